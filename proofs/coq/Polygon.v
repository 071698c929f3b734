(** Convex polygons, given by their corners in counter-clockwise order. *)
From Cpwl Require Export Plane.

(** The steps from [a] through [l]. *)
Fixpoint steps {A} (a : A) (l : list A) : list (A * A) :=
  match l with
  | [] => []
  | b :: l' => (a, b) :: steps b l'
  end.

(** The edges of a polygon: its corners, and back to the first one. *)
Definition edges {A} (l : list A) : list (A * A) :=
  match l with
  | [] => []
  | a :: l' => steps a (l' ++ [a])
  end.

Definition side (e : point * point) : affine := line (fst e) (snd e).

Definition same (p q : point) : Prop := px p == px q /\ py p == py q.

(** All corners but the ends of an edge lie strictly on its left. *)
Definition strict (l : list point) : Prop :=
  forall e v, In e (edges l) -> In v l -> 0 < at_ v (side e) \/ same v (fst e) \/ same v (snd e).

(** The first corner sees the edges that do not end in it as triangles of positive area, and there is one. *)
Definition fan (l : list point) : Prop :=
  match l with
  | p :: a :: b :: l' => forall c d, In (c, d) (steps a (b :: l')) -> 0 < at_ p (line c d)
  | _ => False
  end.

Definition convex (l : list point) : Prop := strict l /\ fan l.

(** The closed region of a polygon, and its interior. *)
Definition inside (l : list point) (x : point) : Prop := forall e, In e (edges l) -> 0 <= at_ x (side e).
Definition interior (l : list point) (x : point) : Prop := forall e, In e (edges l) -> 0 < at_ x (side e).

Lemma interior_inside l x : interior l x -> inside l x.
Proof. intros H e E. apply Qlt_le_weak, H, E. Qed.

Lemma same_at p q g : same p q -> at_ p g == at_ q g.
Proof. intros (X & Y). unfold at_. rewrite X, Y. reflexivity. Qed.

Lemma steps_ends {A} (l : list A) a c d : In (c, d) (steps a l) -> In c (a :: l) /\ In d l.
Proof.
  revert a; induction l as [|b l IH]; simpl; intros a H; [tauto|].
  destruct H as [H|H]; [injection H as <- <-; tauto|]. specialize (IH b H). simpl in IH. tauto.
Qed.

Lemma edges_ends {A} (l : list A) c d : In (c, d) (edges l) -> In c l /\ In d l.
Proof.
  destruct l as [|a l]; [intros []|]. intros H. apply steps_ends in H.
  simpl in *. rewrite !in_app_iff in H. simpl in H. tauto.
Qed.

Lemma steps_app {A} (l : list A) a z e : In e (steps a l) -> In e (steps a (l ++ [z])).
Proof. revert a; induction l as [|b l IH]; simpl; intros a; [tauto|]. intros [H|H]; auto. Qed.

Lemma corner_inside l v : convex l -> In v l -> inside l v.
Proof.
  intros (S & _) V e E. destruct (S e v E V) as [H|[H|H]]; [now apply Qlt_le_weak | |];
  rewrite (same_at _ _ _ H); unfold side; [rewrite line_start | rewrite line_end]; apply Qle_refl.
Qed.

(** ** The hull: a point of the region lies in a triangle of the fan *)
Lemma in_fan (l : list point) p a b x :
  0 <= at_ x (line p a) ->
  (forall e, In e (steps a (b :: l ++ [p])) -> 0 <= at_ x (side e)) ->
  exists c d, In (c, d) (steps a (b :: l)) /\
    0 <= at_ x (line p c) /\ 0 <= at_ x (line c d) /\ 0 <= at_ x (line d p).
Proof.
  revert a b; induction l as [|c l IH]; intros a b A H.
  - exists a, b. simpl. repeat split; auto.
    + apply (H (a, b)); now left.
    + apply (H (b, p)); simpl; auto.
  - destruct (Qlt_le_dec (at_ x (line p b)) 0) as [N|N].
    + exists a, b. repeat split; auto.
      * now left.
      * apply (H (a, b)); now left.
      * rewrite line_reversed; lra.
    + destruct (IH b c N) as (c' & d' & I & R).
      * intros e E; apply H; now right.
      * exists c', d'. split; [now right | exact R].
Qed.

(** Every point of a convex polygon is a convex combination of three of its corners. *)
Lemma hull l x : convex l -> inside l x ->
  exists p a b t u v w, In p l /\ In a l /\ In b l /\ 0 < t /\ 0 <= u /\ 0 <= v /\ 0 <= w /\
    forall g, t * at_ x g == u * at_ p g + v * at_ a g + w * at_ b g.
Proof.
  intros (_ & F) H. destruct l as [|p [|a [|b l]]]; simpl in F; try contradiction.
  destruct (in_fan l p a b x) as (c & d & I & A & B & C).
  - apply (H (p, a)); now left.
  - intros e E. apply H. now right.
  - assert (E := F c d I). apply (steps_ends (b :: l)) in I.
    exists p, c, d, (at_ p (line c d)), (at_ x (line c d)), (at_ x (line d p)), (at_ x (line p c)).
    repeat split; try assumption; simpl in *; try tauto.
    intros g. rewrite barycentric. ring.
Qed.

(** An affine function with one sign at all corners has it on the region. *)
Theorem nonneg_on_hull l g : convex l -> (forall v, In v l -> 0 <= at_ v g) -> forall x, inside l x -> 0 <= at_ x g.
Proof.
  intros C G x X. destruct (hull l x C X) as (p & a & b & t & u & v & w & P & A & B & T & U & V & W & E).
  specialize (E g). assert (GP := G p P). assert (GA := G a A). assert (GB := G b B).
  assert (0 <= t * at_ x g) by (rewrite E; nra). nra.
Qed.

Theorem positive_on_hull l g : convex l -> (forall v, In v l -> 0 < at_ v g) -> forall x, inside l x -> 0 < at_ x g.
Proof.
  intros C G x X. destruct (hull l x C X) as (p & a & b & t & u & v & w & P & A & B & T & U & V & W & E).
  assert (ONE := E (Affine 0 0 1)). unfold at_ in ONE at 1 2 3 4. simpl in ONE.
  specialize (E g). assert (GP := G p P). assert (GA := G a A). assert (GB := G b B).
  assert (S : t == u + v + w) by lra.
  assert (0 < t * at_ x g); [|nra]. rewrite E.
  assert (0 <= u * at_ p g) by nra. assert (0 <= v * at_ a g) by nra. assert (0 <= w * at_ b g) by nra.
  destruct (Qlt_le_dec 0 u); [nra|]. destruct (Qlt_le_dec 0 v); [nra|]. assert (0 < w) by lra. nra.
Qed.

(** ** A point strictly inside *)
Definition middle (p a b : point) : point :=
  Point ((1 # 3) * (px p + px a + px b)) ((1 # 3) * (py p + py a + py b)).

Lemma at_middle p a b g : at_ (middle p a b) g == (1 # 3) * (at_ p g + at_ a g + at_ b g).
Proof. unfold at_, middle; simpl; ring. Qed.

(** Three points on one line have no area. *)
Lemma collinear p a b c d :
  at_ p (line c d) == 0 -> at_ a (line c d) == 0 -> at_ b (line c d) == 0 -> ~ at_ p (line a b) == 0 -> same c d.
Proof.
  intros P A B N. unfold same.
  split.
  - assert (E : at_ p (line a b) * (px d - px c) == 0).
    { transitivity ((px b - px a) * at_ p (line c d) + (px p - px b) * at_ a (line c d) + (px a - px p) * at_ b (line c d)).
      - unfold at_, line; simpl; ring.
      - rewrite P, A, B; ring. }
    apply Qmult_integral_l in E; [lra | assumption].
  - assert (E : at_ p (line a b) * (py d - py c) == 0).
    { transitivity ((py b - py a) * at_ p (line c d) + (py p - py b) * at_ a (line c d) + (py a - py p) * at_ b (line c d)).
      - unfold at_, line; simpl; ring.
      - rewrite P, A, B; ring. }
    apply Qmult_integral_l in E; [lra | assumption].
Qed.

Lemma same_trans p q r : same p r -> same q r -> same p q.
Proof. intros (A & B) (C & D). unfold same. rewrite A, B, C, D. split; reflexivity. Qed.

Lemma edge_proper l e : convex l -> In e (edges l) -> ~ same (fst e) (snd e).
Proof.
  intros (S & F) E D. destruct l as [|p [|a [|b l]]]; simpl in F; try contradiction.
  assert (Z : forall x, at_ x (side e) == 0).
  { intros x. destruct D as (X & Y). unfold side, at_, line. simpl. rewrite X, Y. ring. }
  assert (ALL : forall v, In v (p :: a :: b :: l) -> same v (fst e)).
  { intros v V. destruct (S e v E V) as [H|[H|H]]; [rewrite Z in H; lra | assumption |].
    apply (same_trans _ _ _ H D). }
  assert (T := F a b (or_introl eq_refl)).
  assert (P := ALL p (or_introl eq_refl)).
  assert (A := ALL a (or_intror (or_introl eq_refl))).
  rewrite (same_at _ _ _ P) in T.
  destruct P as (P1 & P2), A as (A1 & A2).
  assert (at_ (fst e) (line a b) == 0); [|lra].
  unfold at_, line. simpl. rewrite A1, A2. ring.
Qed.

Theorem interior_exists l : convex l -> exists c, interior l c.
Proof.
  intros C. assert (C' := C). destruct C' as (S & F). destruct l as [|p [|a [|b l]]]; simpl in F; try contradiction.
  assert (T := F a b (or_introl eq_refl)).
  exists (middle p a b). intros e E. rewrite at_middle.
  assert (P := corner_inside _ p C (or_introl eq_refl) e E).
  assert (A := corner_inside _ a C (or_intror (or_introl eq_refl)) e E).
  assert (B := corner_inside _ b C (or_intror (or_intror (or_introl eq_refl))) e E).
  assert (N := edge_proper _ e C E).
  destruct (Qlt_le_dec 0 (at_ p (side e) + at_ a (side e) + at_ b (side e))) as [|Z]; [lra|].
  exfalso. apply N. unfold side in *.
  apply (collinear p a b); lra.
Qed.

(** ** Near an interior point *)
Lemma small_inside l x d : interior l x -> small (fun s => inside l (toward x d s)).
Proof.
  intros H. apply small_forall. intros e E. generalize (small_positive _ (at_ d (side e) - at_ x (side e)) (H e E)).
  apply small_weaken. intros s _ P. rewrite at_toward. lra.
Qed.

(** From a point of the region toward an interior one: interior at once. *)
Lemma small_interior l y c : inside l y -> interior l c -> small (fun s => interior l (toward y c s)).
Proof.
  intros Y C. generalize (small_le 1 ltac:(lra)). apply small_weaken. intros s S L e E.
  rewrite at_toward. specialize (Y e E). specialize (C e E). nra.
Qed.

Lemma small_interior_curve l c : interior l c -> small (fun s => interior l (shifted c s (s * s))).
Proof. intros C. apply small_forall. intros e E. apply small_shifted_positive, C, E. Qed.

(** What is >= 0 on one polygon and <= 0 on another that overlap is 0 everywhere. *)
Lemma zero_on_overlap l m g x : interior l x -> interior m x ->
  (forall y, inside l y -> 0 <= at_ y g) -> (forall y, inside m y -> at_ y g <= 0) -> forall y, at_ y g == 0.
Proof.
  intros L M P N y.
  assert (X : at_ x g == 0).
  { apply Qle_antisym; [apply N | apply P]; apply interior_inside; assumption. }
  destruct (small_witness _ (small_and _ _ (small_inside l x y L) (small_inside m x y M))) as (s & S & _ & A & B).
  apply P in A. apply N in B. rewrite at_toward, X in A, B.
  assert (Z : s * at_ y g == 0) by lra. apply Qmult_integral in Z. destruct Z; lra.
Qed.

(** What is >= 0 on a polygon and 0 at an interior point is 0 everywhere. *)
Lemma zero_inside l g x : interior l x -> (forall y, inside l y -> 0 <= at_ y g) -> at_ x g == 0 -> forall y, at_ y g == 0.
Proof.
  intros L P Z y.
  set (d := Point (px x - (px y - px x)) (py x - (py y - py x))).
  assert (D : at_ d g == - at_ y g).
  { transitivity (2 * at_ x g - at_ y g); [unfold at_, d; simpl; ring | rewrite Z; ring]. }
  destruct (small_witness _ (small_and _ _ (small_inside l x y L) (small_inside l x d L))) as (s & S & _ & A & B).
  apply P in A. apply P in B. rewrite at_toward, Z in A, B. rewrite D in B.
  assert (E : s * at_ y g == 0) by lra. apply Qmult_integral in E. destruct E; lra.
Qed.

(** ** A point of a region on the line of an edge lies between the ends of the edge *)
Lemma part_of a b u w : (u == 0 \/ same w a \/ same w b) -> 0 <= u ->
  exists v r, 0 <= v /\ 0 <= r /\ v + r == u /\ u * px w == v * px a + r * px b /\ u * py w == v * py a + r * py b.
Proof.
  intros [Z|[(X & Y)|(X & Y)]] U.
  - exists 0, 0. rewrite Z. repeat split; try lra; ring.
  - exists u, 0. rewrite X, Y. repeat split; try lra; ring.
  - exists 0, u. rewrite X, Y. repeat split; try lra; ring.
Qed.

Lemma on_edge l e x : convex l -> In e (edges l) -> inside l x -> at_ x (side e) == 0 ->
  exists r, 0 <= r /\ r <= 1 /\ same x (toward (fst e) (snd e) r).
Proof.
  intros C E X Z. destruct (hull l x C X) as (p & a & b & t & u & v & w & P & A & B & T & U & V & W & H).
  assert (CI := corner_inside l). assert (GP := CI p C P e E). assert (GA := CI a C A e E). assert (GB := CI b C B e E).
  assert (HE := H (side e)). rewrite Z in HE.
  assert (PP := Qmult_nonneg _ _ U GP). assert (PA := Qmult_nonneg _ _ V GA). assert (PB := Qmult_nonneg _ _ W GB).
  assert (ON : forall k z, 0 <= k -> In z l -> k * at_ z (side e) == 0 -> k == 0 \/ same z (fst e) \/ same z (snd e)).
  { intros k z K I O. apply Qmult_integral in O. destruct O as [O|O]; [now left | right].
    destruct C as (S & _). destruct (S e z E I) as [G|G]; [lra | exact G]. }
  destruct (part_of _ _ u p (ON u p U P ltac:(lra)) U) as (u1 & u2 & U1 & U2 & U3 & U4 & U5).
  destruct (part_of _ _ v a (ON v a V A ltac:(lra)) V) as (v1 & v2 & V1 & V2 & V3 & V4 & V5).
  destruct (part_of _ _ w b (ON w b W B ltac:(lra)) W) as (w1 & w2 & W1 & W2 & W3 & W4 & W5).
  assert (ONE := H (Affine 0 0 1)). assert (HX := H (Affine 1 0 0)). assert (HY := H (Affine 0 1 0)).
  unfold at_ in ONE, HX, HY. simpl in ONE, HX, HY.
  assert (SUM : t == (u1 + v1 + w1) + (u2 + v2 + w2)) by lra.
  exists ((u2 + v2 + w2) / t). set (r := (u2 + v2 + w2) / t).
  assert (R : t * r == u2 + v2 + w2) by (unfold r; field; lra).
  assert (CANCEL : forall y z, t * y == t * z -> y == z).
  { intros y z K. assert (K' : t * (y - z) == 0) by lra. apply Qmult_integral_l in K'; lra. }
  repeat split.
  - assert (0 <= t * r) by lra. nra.
  - assert (t * r <= t) by lra. nra.
  - apply CANCEL. simpl.
    transitivity (t * px (fst e) + (t * r) * (px (snd e) - px (fst e))); [rewrite R | ring].
    setoid_replace (t * px (fst e)) with (((u1 + v1 + w1) + (u2 + v2 + w2)) * px (fst e)) by (rewrite SUM; reflexivity).
    lra.
  - apply CANCEL. simpl.
    transitivity (t * py (fst e) + (t * r) * (py (snd e) - py (fst e))); [rewrite R | ring].
    setoid_replace (t * py (fst e)) with (((u1 + v1 + w1) + (u2 + v2 + w2)) * py (fst e)) by (rewrite SUM; reflexivity).
    lra.
Qed.
