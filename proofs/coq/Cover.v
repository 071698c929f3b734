(** Convex polygons in a convex domain, every edge of which is met from the other side or lies along the
    domain, cover the domain. No area: walk from a point of one region to the point in question and cross
    from region to region. *)
From Cpwl Require Export Polygon.

(** An edge is matched: some region has it in reverse, or both ends lie on one side of the domain. *)
Definition matched (domain : list point) (regions : list (list point)) (e : point * point) : Prop :=
  (exists r, In r regions /\ In (snd e, fst e) (edges r)) \/
  (exists s, In s (edges domain) /\ at_ (fst e) (side s) == 0 /\ at_ (snd e) (side s) == 0).

Lemma outside_edge l x : ~ inside l x -> exists e, In e (edges l) /\ at_ x (side e) < 0.
Proof.
  intros N. destruct (Exists_dec (fun e => at_ x (side e) < 0) (edges l)) as [E|E].
  - intros e. destruct (Qlt_le_dec (at_ x (side e)) 0); [now left | right; now apply Qle_not_lt].
  - apply Exists_exists in E. exact E.
  - exfalso. apply N. intros e I. destruct (Qlt_le_dec (at_ x (side e)) 0) as [L|]; [|assumption].
    exfalso. apply E, Exists_exists. eauto.
Qed.

Lemma inside_dec l x : {inside l x} + {~ inside l x}.
Proof.
  destruct (Forall_dec (fun e => 0 <= at_ x (side e))) with (l := edges l) as [F|F].
  - intros e. destruct (Qlt_le_dec (at_ x (side e)) 0); [right; now apply Qlt_not_le | now left].
  - left. intros e E. rewrite Forall_forall in F. auto.
  - right. intros I. apply F, Forall_forall. exact I.
Qed.

(** An interior point of a polygon inside the domain is an interior point of the domain. *)
Lemma interior_domain domain r c : convex domain -> convex r -> (forall v, In v r -> inside domain v) ->
  interior r c -> interior domain c.
Proof.
  intros D R V C s S. assert (P : forall y, inside r y -> 0 <= at_ y (side s)).
  { apply nonneg_on_hull; [assumption|]. intros v I. exact (V v I s S). }
  destruct (Qlt_le_dec 0 (at_ c (side s))) as [|Z]; [assumption | exfalso].
  assert (Z' : at_ c (side s) == 0) by (apply Qle_antisym; [|apply P, interior_inside]; assumption).
  destruct (interior_exists _ D) as (d & I). specialize (I s S).
  rewrite (zero_inside r (side s) c C P Z' d) in I. lra.
Qed.

Section Walk.
Variables (c p : point).

Definition on (t : Q) : point := toward c p t.

(** The walk leaves a region at time [t]. *)
Definition leaves (r : list point) (t : Q) : Prop :=
  0 <= t /\ t < 1 /\ inside r (on t) /\ exists e, In e (edges r) /\ at_ (on t) (side e) == 0 /\ at_ p (side e) < 0.

Lemma at_on g t : at_ (on t) g == at_ c g + t * (at_ p g - at_ c g).
Proof. apply at_toward. Qed.

Lemma between g t0 t1 t : t0 <= t -> t <= t1 -> 0 <= at_ (on t0) g -> 0 <= at_ (on t1) g -> 0 <= at_ (on t) g.
Proof. rewrite !at_on. intros. destruct (Qlt_le_dec (at_ p g - at_ c g) 0); nra. Qed.

Lemma root g t0 t1 : t0 < t1 -> t1 <= 1 -> 0 <= at_ (on t0) g -> at_ (on t1) g < 0 ->
  exists t, t0 <= t /\ t < t1 /\ at_ (on t) g == 0 /\ at_ p g < 0.
Proof.
  rewrite !at_on. set (a := at_ c g). set (b := at_ p g). intros L M P N.
  assert (D : b - a < 0) by nra.
  set (t := a / (a - b)). assert (T : t * (b - a) == - a) by (unfold t; field; lra).
  exists t. rewrite at_on. fold a b. repeat split; nra.
Qed.

Lemma leaves_edges (l : list (point * point)) t0 : 0 <= t0 -> t0 <= 1 ->
  (forall e, In e l -> 0 <= at_ (on t0) (side e)) -> (exists e, In e l /\ at_ p (side e) < 0) ->
  exists t, t0 <= t /\ t < 1 /\ (forall e, In e l -> 0 <= at_ (on t) (side e)) /\
    exists e, In e l /\ at_ (on t) (side e) == 0 /\ at_ p (side e) < 0.
Proof.
  intros T0 T1. induction l as [|f l IH]; intros P (e & E & N); [destruct E|].
  assert (STEP : forall t1, t0 <= t1 -> t1 <= 1 -> at_ (on t1) (side f) < 0 ->
    (forall e, In e l -> 0 <= at_ (on t1) (side e)) -> exists t, t0 <= t /\ t < 1 /\
    (forall e, In e (f :: l) -> 0 <= at_ (on t) (side e)) /\
    exists e, In e (f :: l) /\ at_ (on t) (side e) == 0 /\ at_ p (side e) < 0).
  { intros t1 A B C D. assert (F := P f (or_introl eq_refl)).
    assert (t0 < t1). { destruct (Qlt_le_dec t0 t1); [assumption|].
      assert (Q : t0 == t1) by lra. rewrite at_on in C, F. rewrite Q in F. lra. }
    destruct (root (side f) t0 t1) as (t & R1 & R2 & R3 & R4); auto.
    exists t. repeat split; [assumption | lra | | exists f; simpl; auto].
    intros g [<-|G]; [rewrite R3; apply Qle_refl|].
    apply (between _ t0 t1); [assumption | now apply Qlt_le_weak | apply P; now right | apply D, G]. }
  destruct (Exists_dec (fun e => at_ p (side e) < 0) l) as [X|X].
  { intros g. destruct (Qlt_le_dec (at_ p (side g)) 0); [now left | right; now apply Qle_not_lt]. }
  - apply Exists_exists in X. destruct IH as (t & R1 & R2 & R3 & g & G & R4 & R5); [intros; apply P; now right | exact X |].
    destruct (Qlt_le_dec (at_ (on t) (side f)) 0) as [Y|Y].
    + apply (STEP t); auto. now apply Qlt_le_weak.
    + exists t. repeat split; auto.
      * intros h [<-|H]; auto.
      * exists g. simpl; auto.
  - assert (ONE : forall g, at_ (on 1) g == at_ p g) by (intros; rewrite at_on; ring).
    assert (LAST : forall g, In g l -> 0 <= at_ p (side g)).
    { intros g G. destruct (Qlt_le_dec (at_ p (side g)) 0) as [Y|]; [|assumption].
      exfalso. apply X, Exists_exists. eauto. }
    destruct E as [<-|E]; [|specialize (LAST e E); lra].
    apply (STEP 1); [assumption | apply Qle_refl | now rewrite ONE | intros; rewrite ONE; auto].
Qed.

Lemma leaves_last r t t' : leaves r t -> t' <= 1 -> inside r (on t') -> t' <= t.
Proof.
  intros (A & B & _ & e & E & Z & N) L I. specialize (I e E). rewrite at_on in Z, I.
  destruct (Qlt_le_dec t t') as [|]; [|assumption]. nra.
Qed.

(** One of the regions is left last. *)
Lemma last_left (l : list (list point)) : (forall r, In r l -> ~ inside r p) ->
  ~ ~ ((forall r t, In r l -> 0 <= t -> t <= 1 -> ~ inside r (on t)) \/
       exists r t, In r l /\ leaves r t /\ forall r' t', In r' l -> 0 <= t' -> t' <= 1 -> inside r' (on t') -> t' <= t).
Proof.
  induction l as [|r l IH]; intros P N.
  - apply N. left. intros r t [].
  - apply IH; [intros; apply P; now right|]. intros H.
    assert (EM : ~ ~ ((exists t, 0 <= t /\ t <= 1 /\ inside r (on t)) \/ ~ exists t, 0 <= t /\ t <= 1 /\ inside r (on t))) by tauto.
    apply EM. clear EM. intros [(t0 & A & B & C)|M].
    + destruct (leaves_edges (edges r) t0 A B C) as (t & T0 & T1 & I & X); [apply outside_edge, P; now left|].
      assert (L : leaves r t) by (repeat split; auto; lra).
      apply N. right. destruct H as [H|(q & u & Q & LQ & MAX)].
      * exists r, t. split; [now left|]. split; [exact L|]. intros r' t' [<-|R'] ? ? J.
        -- apply (leaves_last r); auto.
        -- exfalso. apply (H r' t'); auto.
      * destruct (Qlt_le_dec t u) as [Y|Y].
        -- exists q, u. split; [now right|]. split; [exact LQ|]. intros r' t' [<-|R'] ? ? J; [|eauto].
           apply Qle_trans with t; [|now apply Qlt_le_weak]. apply (leaves_last r); auto.
        -- exists r, t. split; [now left|]. split; [exact L|]. intros r' t' [<-|R'] ? ? J.
           ++ apply (leaves_last r); auto.
           ++ apply Qle_trans with u; eauto.
    + apply N. destruct H as [H|(q & u & Q & LQ & MAX)].
      * left. intros r' t' [<-|R'] ? ? J; [apply M; eauto | apply (H r' t'); auto].
      * right. exists q, u. split; [now right|]. split; [exact LQ|]. intros r' t' [<-|R'] ? ? J; [|eauto].
        exfalso. apply M. eauto.
Qed.

(** Beyond an edge that is listed in reverse, the walk is in the region there. *)
Lemma crosses r' a b t u : convex r' -> In (b, a) (edges r') -> 0 <= t -> t < 1 -> 0 < u -> u < 1 ->
  same (on t) (toward a b u) -> at_ (on t) (line a b) == 0 -> at_ p (line a b) < 0 ->
  exists t', t < t' /\ t' <= 1 /\ inside r' (on t').
Proof.
  intros C I T0 T1 U0 U1 S Z N.
  destruct (edges_ends _ _ _ I) as (B & A). assert (CB := corner_inside _ _ C B). assert (CA := corner_inside _ _ C A).
  destruct (interior_exists _ C) as (d & D).
  assert (DOWN : at_ p (line a b) < at_ c (line a b)). { rewrite at_on in Z. nra. }
  assert (NEAR : small (fun s => forall e, In e (edges r') -> 0 <= at_ (on (t + s)) (side e))).
  { apply small_forall. intros e E. specialize (CA e E). specialize (CB e E).
    assert (V : at_ (on t) (side e) == (1 - u) * at_ a (side e) + u * at_ b (side e)).
    { rewrite (same_at _ _ _ S), at_toward. ring. }
    assert (STEP : forall s, at_ (on (t + s)) (side e) == at_ (on t) (side e) + s * (at_ p (side e) - at_ c (side e))).
    { intros s. rewrite !at_on. ring. }
    destruct (Qlt_le_dec 0 (at_ (on t) (side e))) as [P|P].
    - generalize (small_positive _ (at_ p (side e) - at_ c (side e)) P). apply small_weaken.
      intros s _ H. rewrite STEP. lra.
    - assert (P1 := Qmult_nonneg (1 - u) _ ltac:(lra) CA). assert (P2 := Qmult_nonneg u _ ltac:(lra) CB).
      assert (ZA : at_ a (side e) == 0).
      { assert (H : (1 - u) * at_ a (side e) == 0) by lra. apply Qmult_integral_l in H; lra. }
      assert (ZB : at_ b (side e) == 0).
      { assert (H : u * at_ b (side e) == 0) by lra. apply Qmult_integral_l in H; lra. }
      assert (K : forall y, at_ d (line b a) * at_ y (side e) == at_ d (side e) * - at_ y (line a b)).
      { intros y. rewrite <- line_reversed, (barycentric (side e) d b a y), ZA, ZB. ring. }
      assert (Y1 := D e E). assert (Y2 := D (b, a) I). unfold side in Y2. simpl in Y2.
      apply small_true. intros s S'. rewrite STEP.
      assert (K1 := K p). assert (K2 := K c).
      assert (UP : 0 <= at_ p (side e) - at_ c (side e)).
      { destruct (Qlt_le_dec (at_ p (side e) - at_ c (side e)) 0) as [X|]; [exfalso|assumption].
        assert (at_ d (line b a) * (at_ p (side e) - at_ c (side e)) ==
                at_ d (side e) * (at_ c (line a b) - at_ p (line a b))) by lra.
        nra. }
      assert (0 <= at_ (on t) (side e)) by lra. nra. }
  destruct (small_witness _ (small_and _ _ (small_le (1 - t) ltac:(lra)) NEAR)) as (s & S0 & _ & S1 & J).
  exists (t + s). repeat split; [lra | lra | exact J].
Qed.

Lemma on_line t : at_ (on t) (line c p) == 0.
Proof. rewrite at_on, line_start, line_end. ring. Qed.
End Walk.

Section Cover.
Variables (domain : list point) (regions : list (list point)).
Hypothesis domain_convex : convex domain.
Hypothesis regions_convex : forall r, In r regions -> convex r.
Hypothesis regions_inside : forall r v, In r regions -> In v r -> inside domain v.
Hypothesis regions_some : regions <> [].
Hypothesis edges_matched : forall r e, In r regions -> In e (edges r) -> matched domain regions e.

Lemma region_inside r x : In r regions -> inside r x -> inside domain x.
Proof.
  intros R X s S. apply (nonneg_on_hull r); auto. intros v V. apply (regions_inside r v R V s S).
Qed.

(** A walk from the interior of a region that meets no corner. *)
Lemma walk c p r : In r regions -> interior r c -> inside domain p ->
  (forall r' v, In r' regions -> In v r' -> same v c \/ ~ at_ v (line c p) == 0) ->
  ~ (forall r', In r' regions -> ~ inside r' p).
Proof.
  intros R C P G N. apply (last_left c p regions N).
  destruct (small_witness _ (small_inside r c p C)) as (t0 & A0 & A1 & A2).
  assert (A3 : 0 <= t0) by now apply Qlt_le_weak.
  intros [H|(q & t & Q & L & MAX)]; [apply (H r t0); auto|].
  assert (T : 0 < t) by (apply Qlt_le_trans with t0; eauto).
  destruct L as (_ & T1 & IN & e & E & Z & B). destruct e as (a, b). unfold side in Z, B. simpl in Z, B.
  destruct (on_edge q (a, b) (on c p t) (regions_convex q Q) E IN Z) as (u & U0 & U1 & S). simpl in S.
  assert (AVOID : forall v, In v q -> ~ same (on c p t) v).
  { intros v V X. destruct (G q v Q V) as [Y|Y].
    - assert (W : same (on c p t) c) by (destruct X as (X1 & X2), Y as (Y1 & Y2); split; lra).
      rewrite (same_at _ _ _ W) in Z. assert (Z' := same_at _ _ (line a b) W). rewrite at_on in Z'.
      assert (O : t * (at_ p (line a b) - at_ c (line a b)) == 0) by lra.
      apply Qmult_integral_l in O; lra.
    - apply Y. rewrite <- (same_at _ _ _ X). apply on_line. }
  destruct (edges_ends _ _ _ E) as (VA & VB).
  assert (U2 : 0 < u).
  { destruct (Qlt_le_dec 0 u); [assumption|]. exfalso. apply (AVOID a VA).
    assert (u == 0) as O by lra. destruct S as (X & Y). simpl in *. rewrite O in X, Y. split; simpl; lra. }
  assert (U3 : u < 1).
  { destruct (Qlt_le_dec u 1); [assumption|]. exfalso. apply (AVOID b VB).
    assert (u == 1) as O by lra. destruct S as (X & Y). simpl in *. rewrite O in X, Y. split; simpl; lra. }
  destruct (edges_matched q (a, b) Q E) as [(r' & R' & E')|(s & S' & SA & SB)]; simpl in *.
  - destruct (crosses c p r' a b t u) as (t' & D1 & D2 & D3); auto; [now apply Qlt_le_weak|].
    assert (F := MAX r' t' R' ltac:(lra) D2 D3). lra.
  - assert (Y : at_ (on c p t) (side s) == 0).
    { rewrite (same_at _ _ _ S), at_toward, SA, SB. ring. }
    assert (IC := interior_domain domain r c domain_convex (regions_convex r R) (fun v => regions_inside r v R) C s S').
    specialize (P s S'). rewrite at_on in Y. nra.
Qed.

Lemma proper_pair c v : ~ same v c -> exists q, ~ at_ q (line c v) == 0.
Proof.
  intros N. exists (Point (px c - (py v - py c)) (py c + (px v - px c))). intros E. apply N.
  assert (Z : (px v - px c) * (px v - px c) + (py v - py c) * (py v - py c) == 0).
  { rewrite <- E. unfold at_, line; simpl; ring. }
  assert (H1 : 0 <= (px v - px c) * (px v - px c)) by (destruct (Qlt_le_dec (px v - px c) 0); nra).
  assert (H2 : 0 <= (py v - py c) * (py v - py c)) by (destruct (Qlt_le_dec (py v - py c) 0); nra).
  assert (Z1 : (px v - px c) * (px v - px c) == 0) by lra.
  assert (Z2 : (py v - py c) * (py v - py c) == 0) by lra.
  apply Qmult_integral in Z1. apply Qmult_integral in Z2. split; destruct Z1, Z2; lra.
Qed.

Lemma same_dec v w : {same v w} + {~ same v w}.
Proof. unfold same. destruct (Qeq_dec (px v) (px w)), (Qeq_dec (py v) (py w)); tauto. Qed.

(** Every point of the domain lies in a region. *)
Theorem covered p : inside domain p -> exists r, In r regions /\ inside r p.
Proof.
  intros P.
  destruct (Exists_dec (fun r => inside r p) regions (fun r => inside_dec r p)) as [X|X]; [now apply Exists_exists|].
  exfalso. assert (N : forall r, In r regions -> ~ inside r p) by (intros r R I; apply X, Exists_exists; eauto).
  clear X. destruct regions as [|r0 l] eqn:EQ; [contradiction|]. rewrite <- EQ in *.
  assert (R0 : In r0 regions) by (rewrite EQ; now left). clear EQ l.
  destruct (interior_exists r0 (regions_convex r0 R0)) as (c & C).
  assert (D : interior domain c) by (apply (interior_domain domain r0); auto; intros; eapply regions_inside; eauto).
  (* a point q of the domain on no line through c and a corner *)
  destruct (small_witness _ (small_and _ _ (small_interior_curve _ _ D)
    (small_forall (fun v s => same v c \/ ~ at_ (shifted c s (s * s)) (line c v) == 0) (concat regions)
      (fun v _ => match same_dec v c with
                  | left Y => small_true _ (fun s _ => or_introl Y)
                  | right Y => small_weaken _ _ (fun s _ H => or_intror H) (small_generic _ c (proper_pair c v Y))
                  end)))) as (h & _ & _ & Q & OFF).
  set (q := shifted c h (h * h)) in *.
  (* near p, toward q: still outside all regions, and on none of those lines *)
  assert (FAR : small (fun s => forall r, In r regions -> ~ inside r (toward p q s))).
  { apply small_forall. intros r R. destruct (outside_edge r p (N r R)) as (e & E & L).
    generalize (small_negative _ (at_ q (side e) - at_ p (side e)) L). apply small_weaken.
    intros s _ H I. specialize (I e E). rewrite at_toward in I. lra. }
  assert (GEN : small (fun s => forall v, In v (concat regions) -> same v c \/ ~ at_ (toward p q s) (line c v) == 0)).
  { apply small_forall. intros v V. destruct (OFF v V) as [Y|Y]; [apply small_true; now left|].
    assert (M : ~ at_ p (line c v) == 0 \/ ~ at_ q (line c v) - at_ p (line c v) == 0).
    { destruct (Qeq_dec (at_ p (line c v)) 0) as [Z|]; [right; rewrite Z; intros F; apply Y; lra | now left]. }
    generalize (small_nonzero _ _ M). apply small_weaken. intros s _ H. right. intros F. apply H.
    rewrite <- F, at_toward. reflexivity. }
  destruct (small_witness _ (small_and _ _ FAR GEN)) as (s & S0 & S1 & F & G).
  apply (walk c (toward p q s) r0); auto.
  - intros e E. rewrite at_toward. specialize (P e E). specialize (Q e E). nra.
  - intros r v R V. destruct (G v) as [Y|Y]; [apply in_concat; eauto | now left |].
    right. intros Z. apply Y. rewrite line_swapped, Z. reflexivity.
Qed.
End Cover.
