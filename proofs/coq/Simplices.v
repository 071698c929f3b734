(** Simplices of any dimension whose facets are matched, or lie along the domain, cover the domain: Lemma 16 (b) of
    proofs/. No volume: walk from a point of one simplex to the point in question and cross from simplex to simplex. *)
From Cpwl Require Export Plane.

(** * Points and affine functions *)
(** A point by its coordinates, of which the first [dim] count, the dimension. *)
Definition place := nat -> Q.

Record form := Form { slopes : list Q; shift : Q }.

Fixpoint dot (a : list Q) (k : nat) (p : place) : Q :=
  match a with
  | [] => 0
  | x :: a' => x * p k + dot a' (S k) p
  end.

(** Of a form the first [dim] slopes count. *)
Definition height (dim : nat) (g : form) (p : place) : Q := dot (firstn dim (slopes g)) 0 p + shift g.

(** The point [p + t (q - p)]. *)
Definition between (p q : place) (t : Q) : place := fun k => p k + t * (q k - p k).

Definition scaled (w : Q) (g : form) : form := Form (map (Qmult w) (slopes g)) (w * shift g).

Fixpoint added (a b : list Q) : list Q :=
  match a, b with
  | [], _ => b
  | _, [] => a
  | x :: a', y :: b' => (x + y) :: added a' b'
  end.

Definition sum (g h : form) : form := Form (added (slopes g) (slopes h)) (shift g + shift h).

Lemma firstn_added n : forall a b, firstn n (added a b) = added (firstn n a) (firstn n b).
Proof. induction n as [|n IH]; intros [|x a] [|y b]; simpl; try reflexivity. now rewrite IH. Qed.

(** A simplex lists its corners, each with its barycentric coordinate as a form. *)
Definition simplex := list (form * place).

Section Dimension.
Variable dim : nat.
Notation height := (height dim).

Lemma dot_between a p q t : forall k, dot a k (between p q t) == dot a k p + t * (dot a k q - dot a k p).
Proof. induction a as [|x a IH]; intros k; simpl; [ring|]. rewrite IH. unfold between. ring. Qed.

Lemma height_between g p q t : height g (between p q t) == height g p + t * (height g q - height g p).
Proof. unfold Simplices.height. rewrite dot_between. ring. Qed.

Lemma height_scaled w g p : height (scaled w g) p == w * height g p.
Proof.
  unfold Simplices.height, scaled. simpl. rewrite firstn_map.
  assert (H : forall k, dot (map (Qmult w) (firstn dim (slopes g))) k p == w * dot (firstn dim (slopes g)) k p).
  { induction (firstn dim (slopes g)) as [|x a IH]; intros k; simpl; [ring|]. rewrite IH. ring. }
  rewrite H. ring.
Qed.

Lemma dot_added a p : forall b k, dot (added a b) k p == dot a k p + dot b k p.
Proof.
  induction a as [|x a IH]; intros [|y b] k; simpl; try ring. rewrite IH. ring.
Qed.

Lemma height_sum g h p : height (sum g h) p == height g p + height h p.
Proof. unfold Simplices.height, sum. simpl. rewrite firstn_added, dot_added. ring. Qed.

(** * Points in general position *)
(** Near a point where some forms are positive there is one where they still are and others are not 0. *)
Lemma general_point (open : list form) (others : list form) c :
  (forall h, In h open -> 0 < height h c) -> (forall g, In g others -> exists q, ~ height g q == 0) ->
  exists d, (forall h, In h open -> 0 < height h d) /\ (forall g, In g others -> ~ height g d == 0).
Proof.
  intros P. induction others as [|g others IH]; intros N; [exists c; split; [assumption | intros g []]|].
  destruct IH as (d & PD & ND); [intros; apply N; now right|].
  destruct (N g (or_introl eq_refl)) as (q & NQ).
  assert (SP : small (fun s => forall h, In h open -> 0 < height h (between d q s))).
  { apply small_forall. intros h H. generalize (small_positive _ (height h q - height h d) (PD h H)).
    apply small_weaken. intros s _ R. rewrite height_between. exact R. }
  assert (SN : small (fun s => forall f, In f (g :: others) -> ~ height f (between d q s) == 0)).
  { apply small_forall. intros f F.
    assert (M : ~ height f d == 0 \/ ~ height f q - height f d == 0).
    { destruct F as [<-|F]; [|left; now apply ND].
      destruct (Qeq_dec (height g d) 0) as [Z|]; [right | now left]. rewrite Z. intros E. apply NQ. lra. }
    generalize (small_nonzero _ _ M). apply small_weaken. intros s _ R E. apply R. rewrite <- E, height_between. reflexivity. }
  destruct (small_witness _ (small_and _ _ SP SN)) as (s & _ & _ & A & B). exists (between d q s). split; assumption.
Qed.

(** * Simplices *)
Fixpoint weighed (s : simplex) (g : form) (x : place) : Q :=
  match s with
  | [] => 0
  | (l, v) :: s' => height l x * height g v + weighed s' g x
  end.

(** The coordinate of a corner is 1 there and 0 at the others; every form is known from its values at the corners. *)
Record proper (s : simplex) : Prop := {
  some_corner : s <> [];
  coordinate : forall s1 l v s2, s = s1 ++ (l, v) :: s2 ->
    height l v == 1 /\ forall m w, In (m, w) (s1 ++ s2) -> height l w == 0;
  barycentric_sum : forall g x, height g x == weighed s g x
}.

Definition inside_simplex (s : simplex) (x : place) : Prop := forall l v, In (l, v) s -> 0 <= height l x.

(** The facet of [s1 ++ (l, v) :: s2] that leaves out the corner [v] has another simplex beyond it, with the same
    corners but for one that is strictly on the other side; or it lies along a side of the domain. *)
Definition facet_matched (domain : list form) (simplices : list simplex) (s1 : simplex) (l : form) (s2 : simplex) : Prop :=
  (exists r1 l' v' r2, In (r1 ++ (l', v') :: r2) simplices /\ height l v' < 0 /\
    forall w, In w (map snd (s1 ++ s2)) <-> In w (map snd (r1 ++ r2))) \/
  (exists side, In side domain /\ forall w, In w (map snd (s1 ++ s2)) -> height side w == 0).

Lemma weighed_nonneg s g x : (forall l v, In (l, v) s -> 0 <= height l x * height g v) -> 0 <= weighed s g x.
Proof.
  induction s as [|(l, v) s IH]; simpl; intros H; [lra|].
  assert (A := H l v (or_introl eq_refl)). assert (B : 0 <= weighed s g x) by (apply IH; intros; apply H; now right). lra.
Qed.

Lemma weighed_positive s g x l v : (forall m w, In (m, w) s -> 0 <= height m x * height g w) -> In (l, v) s ->
  0 < height l x * height g v -> 0 < weighed s g x.
Proof.
  induction s as [|(m, w) s IH]; simpl; intros H I P; [contradiction|].
  assert (A := H m w (or_introl eq_refl)).
  assert (B : 0 <= weighed s g x) by (apply weighed_nonneg; intros; apply H; now right).
  destruct I as [[= <- <-]|I]; [lra|]. assert (0 < weighed s g x) by (apply IH; auto). lra.
Qed.

Lemma weighed_zero s g x : (forall l v, In (l, v) s -> height l x * height g v == 0) -> weighed s g x == 0.
Proof.
  induction s as [|(l, v) s IH]; simpl; intros H; [reflexivity|].
  rewrite (H l v) by now left. rewrite IH by (intros; apply H; now right). ring.
Qed.

Lemma weighed_app s r g x : weighed (s ++ r) g x == weighed s g x + weighed r g x.
Proof. induction s as [|(l, v) s IH]; simpl; [ring | rewrite IH; ring]. Qed.

Lemma in_middle {A} (a b : A) s1 s2 : In a (s1 ++ b :: s2) <-> a = b \/ In a (s1 ++ s2).
Proof. rewrite !in_app_iff. simpl. intuition. Qed.

Lemma corner_of (s : simplex) w : In w (map snd s) <-> exists m, In (m, w) s.
Proof.
  rewrite in_map_iff. split; [intros ((m, u) & <- & I) | intros (m & I)]; [exists m; exact I | exists (m, w); auto].
Qed.

(** A coordinate is 0 or 1 at every corner. *)
Lemma coordinate_at s m u : proper s -> In m (map fst s) -> In u (map snd s) -> height m u == 0 \/ height m u == 1.
Proof.
  intros P M U. apply in_map_iff in M. destruct M as ((m', w) & E & I). simpl in E. subst m'.
  apply in_split in I. destruct I as (s1 & s2 & E). destruct (coordinate s P s1 m w s2 E) as (ONE & ZERO).
  apply corner_of in U. destruct U as (n & I). rewrite E, in_middle in I.
  destruct I as [[= <- <-]|I]; [now right | left; eauto].
Qed.

(** What is zero at all corners of a facet is there the multiple of the coordinate of the corner left out. *)
Lemma multiple_of_coordinate s1 l v s2 g x : proper (s1 ++ (l, v) :: s2) ->
  (forall w, In w (map snd (s1 ++ s2)) -> height g w == 0) -> height g x == height l x * height g v.
Proof.
  intros P Z. rewrite (barycentric_sum _ P), weighed_app. simpl.
  assert (H : forall r, (forall m w, In (m, w) r -> In (m, w) (s1 ++ s2)) -> weighed r g x == 0).
  { intros r R. apply weighed_zero. intros m w I. rewrite (Z w); [ring|]. apply corner_of. eauto. }
  rewrite !H; [ring | |]; intros m w I; apply in_app_iff; auto.
Qed.

(** ** An interior point *)
Fixpoint total (s : simplex) (k : nat) : Q :=
  match s with
  | [] => 0
  | (_, v) :: s' => v k + total s' k
  end.

Fixpoint size (s : simplex) : Q :=
  match s with
  | [] => 0
  | _ :: s' => 1 + size s'
  end.

Fixpoint heights (s : simplex) (g : form) : Q :=
  match s with
  | [] => 0
  | (_, v) :: s' => height g v + heights s' g
  end.

Definition centroid (s : simplex) : place := fun k => total s k / size s.

Lemma size_positive s : s <> [] -> 0 < size s.
Proof.
  destruct s as [|a s]; [contradiction|]. intros _. simpl. assert (0 <= size s); [|lra].
  induction s as [|b s IH]; simpl; lra.
Qed.

Lemma height_centroid s g : s <> [] -> size s * height g (centroid s) == heights s g.
Proof.
  intros N. assert (P := size_positive s N).
  assert (D : forall a k, size s * dot a k (centroid s) == dot a k (total s)).
  { induction a as [|x a IH]; intros k; simpl; [ring|].
    rewrite Qmult_plus_distr_r, IH. unfold centroid. field. lra. }
  unfold Simplices.height. rewrite Qmult_plus_distr_r, D. clear D P N.
  assert (E : forall a k, dot a k (total []) == 0). { induction a as [|x a IH]; intros k; simpl; [ring|]. rewrite IH. ring. }
  assert (L : forall a v r k, dot a k (total ((fst v, snd v) :: r)) == dot a k (snd v) + dot a k (total r)).
  { induction a as [|x a IH]; intros v r k; simpl; [ring|]. specialize (IH v r (S k)). simpl in IH. rewrite IH. ring. }
  induction s as [|(l, v) s IH]; simpl size; simpl heights.
  - rewrite E. ring.
  - rewrite (L _ (l, v) s), <- IH. unfold Simplices.height. simpl. ring.
Qed.

Lemma heights_positive s g l v : (forall u, In u (map snd s) -> 0 <= height g u) -> In (l, v) s -> 0 < height g v ->
  0 < heights s g.
Proof.
  assert (NN : forall r, (forall u, In u (map snd r) -> 0 <= height g u) -> 0 <= heights r g).
  { induction r as [|(m, w) r IH]; simpl; intros H; [lra|].
    assert (A := H w (or_introl eq_refl)). assert (B : 0 <= heights r g) by (apply IH; auto). lra. }
  induction s as [|(m, w) s IH]; simpl; intros H I P; [contradiction|].
  assert (A := H w (or_introl eq_refl)). assert (B : 0 <= heights s g) by (apply NN; auto).
  destruct I as [[= <- <-]|I]; [lra|]. assert (0 < heights s g) by (apply IH; auto). lra.
Qed.

Lemma centroid_inside s : proper s -> forall l v, In (l, v) s -> 0 < height l (centroid s).
Proof.
  intros P l v I. assert (N := some_corner s P). assert (S := size_positive s N). assert (E := height_centroid s l N).
  assert (0 < heights s l).
  { apply (heights_positive s l l v); [|exact I|].
    - intros u U. destruct (coordinate_at s l u P) as [Z|Z]; [|exact U|rewrite Z; lra|rewrite Z; lra].
      apply in_map_iff. exists (l, v); auto.
    - apply in_split in I. destruct I as (s1 & s2 & E'). destruct (coordinate s P s1 l v s2 E') as (ONE & _). rewrite ONE. lra. }
  nra.
Qed.

(** * The walk *)
(** A region of the walk is where some forms are not negative. *)
Definition held (r : list form) (x : place) : Prop := forall g, In g r -> 0 <= height g x.

Lemma held_dec r x : {held r x} + {~ held r x}.
Proof.
  destruct (Forall_dec (fun g => 0 <= height g x)) with (l := r) as [F|F].
  - intros g. destruct (Qlt_le_dec (height g x) 0); [right; now apply Qlt_not_le | now left].
  - left. intros g I. rewrite Forall_forall in F. auto.
  - right. intros I. apply F, Forall_forall. exact I.
Qed.

Lemma not_held r x : ~ held r x -> exists g, In g r /\ height g x < 0.
Proof.
  intros N. destruct (Exists_dec (fun g => height g x < 0) r) as [E|E].
  - intros g. destruct (Qlt_le_dec (height g x) 0); [now left | right; now apply Qle_not_lt].
  - apply Exists_exists in E. exact E.
  - exfalso. apply N. intros g I. destruct (Qlt_le_dec (height g x) 0) as [L|]; [|assumption].
    exfalso. apply E, Exists_exists. eauto.
Qed.

Section Walk.
Variables (c p : place).

Definition at_time (t : Q) : place := between c p t.

Lemma height_at g t : height g (at_time t) == height g c + t * (height g p - height g c).
Proof. apply height_between. Qed.

(** The walk leaves a region at time [t]. *)
Definition left_at (r : list form) (t : Q) : Prop :=
  0 <= t /\ t < 1 /\ held r (at_time t) /\ exists g, In g r /\ height g (at_time t) == 0 /\ height g p < 0.

Lemma held_between g t0 t1 t : t0 <= t -> t <= t1 -> 0 <= height g (at_time t0) -> 0 <= height g (at_time t1) ->
  0 <= height g (at_time t).
Proof. rewrite !height_at. intros. destruct (Qlt_le_dec (height g p - height g c) 0); nra. Qed.

Lemma zero_between g t0 t1 : t0 < t1 -> t1 <= 1 -> 0 <= height g (at_time t0) -> height g (at_time t1) < 0 ->
  exists t, t0 <= t /\ t < t1 /\ height g (at_time t) == 0 /\ height g p < 0.
Proof.
  rewrite !height_at. set (a := height g c). set (b := height g p). intros L M P N.
  assert (D : b - a < 0) by nra.
  set (t := a / (a - b)). assert (T : t * (b - a) == - a) by (unfold t; field; lra).
  exists t. rewrite height_at. fold a b. repeat split; nra.
Qed.

Lemma leaves_forms (r : list form) t0 : 0 <= t0 -> t0 <= 1 -> held r (at_time t0) ->
  (exists g, In g r /\ height g p < 0) -> exists t, t0 <= t /\ t < 1 /\ held r (at_time t) /\
    exists g, In g r /\ height g (at_time t) == 0 /\ height g p < 0.
Proof.
  intros T0 T1. unfold held. induction r as [|f r IH]; intros P (g & G & N); [destruct G|].
  assert (STEP : forall t1, t0 <= t1 -> t1 <= 1 -> height f (at_time t1) < 0 ->
    (forall h, In h r -> 0 <= height h (at_time t1)) -> exists t, t0 <= t /\ t < 1 /\
    (forall h, In h (f :: r) -> 0 <= height h (at_time t)) /\
    exists h, In h (f :: r) /\ height h (at_time t) == 0 /\ height h p < 0).
  { intros t1 A B C D. assert (F := P f (or_introl eq_refl)).
    assert (t0 < t1). { destruct (Qlt_le_dec t0 t1); [assumption|].
      assert (Q : t0 == t1) by lra. rewrite height_at in C, F. rewrite Q in F. lra. }
    destruct (zero_between f t0 t1) as (t & R1 & R2 & R3 & R4); auto.
    exists t. repeat split; [assumption | lra | | exists f; simpl; auto].
    intros h [<-|H']; [rewrite R3; apply Qle_refl|].
    apply (held_between _ t0 t1); [assumption | now apply Qlt_le_weak | apply P; now right | apply D, H']. }
  destruct (Exists_dec (fun h => height h p < 0) r) as [X|X].
  { intros h. destruct (Qlt_le_dec (height h p) 0); [now left | right; now apply Qle_not_lt]. }
  - apply Exists_exists in X. destruct IH as (t & R1 & R2 & R3 & h & H & R4 & R5); [intros; apply P; now right | exact X |].
    destruct (Qlt_le_dec (height f (at_time t)) 0) as [Y|Y].
    + apply (STEP t); auto. now apply Qlt_le_weak.
    + exists t. repeat split; auto.
      * intros k [<-|K]; auto.
      * exists h. simpl; auto.
  - assert (ONE : forall h, height h (at_time 1) == height h p) by (intros; rewrite height_at; ring).
    assert (LAST : forall h, In h r -> 0 <= height h p).
    { intros h H. destruct (Qlt_le_dec (height h p) 0) as [Y|]; [|assumption].
      exfalso. apply X, Exists_exists. eauto. }
    destruct G as [<-|G]; [|specialize (LAST g G); lra].
    apply (STEP 1); [assumption | apply Qle_refl | now rewrite ONE | intros; rewrite ONE; auto].
Qed.

Lemma left_last r t t' : left_at r t -> t' <= 1 -> held r (at_time t') -> t' <= t.
Proof.
  intros (A & B & _ & g & G & Z & N) L I. specialize (I g G). rewrite height_at in Z, I.
  destruct (Qlt_le_dec t t') as [|]; [|assumption]. nra.
Qed.

(** One of the regions is left last. *)
Lemma one_is_last (l : list (list form)) : (forall r, In r l -> ~ held r p) ->
  ~ ~ ((forall r t, In r l -> 0 <= t -> t <= 1 -> ~ held r (at_time t)) \/
       exists r t, In r l /\ left_at r t /\ forall r' t', In r' l -> 0 <= t' -> t' <= 1 -> held r' (at_time t') -> t' <= t).
Proof.
  induction l as [|r l IH]; intros P N.
  - apply N. left. intros r t [].
  - apply IH; [intros; apply P; now right|]. intros H.
    assert (EM : ~ ~ ((exists t, 0 <= t /\ t <= 1 /\ held r (at_time t)) \/ ~ exists t, 0 <= t /\ t <= 1 /\ held r (at_time t))) by tauto.
    apply EM. clear EM. intros [(t0 & A & B & C)|M].
    + destruct (leaves_forms r t0 A B C) as (t & T0 & T1 & I & X); [apply not_held, P; now left|].
      assert (L : left_at r t) by (repeat split; auto; lra).
      apply N. right. destruct H as [H|(q & u & Q & LQ & MAX)].
      * exists r, t. split; [now left|]. split; [exact L|]. intros r' t' [<-|R'] ? ? J.
        -- apply (left_last r); auto.
        -- exfalso. apply (H r' t'); auto.
      * destruct (Qlt_le_dec t u) as [Y|Y].
        -- exists q, u. split; [now right|]. split; [exact LQ|]. intros r' t' [<-|R'] ? ? J; [|eauto].
           apply Qle_trans with t; [|now apply Qlt_le_weak]. apply (left_last r); auto.
        -- exists r, t. split; [now left|]. split; [exact L|]. intros r' t' [<-|R'] ? ? J.
           ++ apply (left_last r); auto.
           ++ apply Qle_trans with u; eauto.
    + apply N. destruct H as [H|(q & u & Q & LQ & MAX)].
      * left. intros r' t' [<-|R'] ? ? J; [apply M; eauto | apply (H r' t'); auto].
      * right. exists q, u. split; [now right|]. split; [exact LQ|]. intros r' t' [<-|R'] ? ? J; [|eauto].
        exfalso. apply M. eauto.
Qed.
End Walk.

(** * Covering *)
Section Cover.
Variables (domain : list form) (simplices : list simplex).
Hypothesis sides_vary : forall g, In g domain -> exists a b, ~ height g a == height g b.
Hypothesis simplices_proper : forall s, In s simplices -> proper s.
Hypothesis corners_within : forall s v, In s simplices -> In v (map snd s) -> held domain v.
Hypothesis simplices_some : simplices <> [].
Hypothesis facets_matched : forall s1 l v s2, In (s1 ++ (l, v) :: s2) simplices -> facet_matched domain simplices s1 l s2.

Lemma held_simplex s x : held (map fst s) x <-> inside_simplex s x.
Proof.
  split; intros H; [intros l v I | intros g G].
  - apply H. apply in_map_iff. exists (l, v); auto.
  - apply in_map_iff in G. destruct G as ((l, v) & <- & I). eapply H, I.
Qed.

(** A side of the domain is strictly positive where all coordinates of a simplex are. *)
Lemma side_positive s x g : In s simplices -> (forall l v, In (l, v) s -> 0 < height l x) -> In g domain -> 0 < height g x.
Proof.
  intros S X G. assert (P := simplices_proper s S).
  assert (NN : forall l v, In (l, v) s -> 0 <= height g v).
  { intros l v I. apply (corners_within s v S); [apply corner_of; eauto | exact G]. }
  destruct (Exists_dec (fun lv => 0 < height g (snd lv)) s) as [E|E].
  { intros lv. destruct (Qlt_le_dec 0 (height g (snd lv))); [now left | right; now apply Qle_not_lt]. }
  - apply Exists_exists in E. destruct E as ((l, v) & I & V). simpl in V. rewrite (barycentric_sum s P).
    apply (weighed_positive s g x l v); [|exact I|].
    + intros m w J. apply Qmult_nonneg; [apply Qlt_le_weak; eauto | eauto].
    + specialize (X l v I). nra.
  - exfalso. destruct (sides_vary g G) as (a & b & N). apply N.
    assert (Z : forall y, height g y == 0).
    { intros y. rewrite (barycentric_sum s P). apply weighed_zero. intros l v I.
      assert (V : height g v == 0).
      { apply Qle_antisym; [|eauto]. destruct (Qlt_le_dec 0 (height g v)) as [L|]; [|assumption].
        exfalso. apply E, Exists_exists. exists (l, v). auto. }
      rewrite V. ring. }
    rewrite (Z a), (Z b). reflexivity.
Qed.

(** Beyond a facet that is matched, the walk is in the simplex there. *)
Lemma crosses_facet c p s1 l v s2 r1 l' v' r2 t :
  proper (s1 ++ (l, v) :: s2) -> proper (r1 ++ (l', v') :: r2) -> height l v' < 0 ->
  (forall w, In w (map snd (s1 ++ s2)) <-> In w (map snd (r1 ++ r2))) ->
  0 < t -> t < 1 -> height l (at_time c p t) == 0 -> height l p < 0 ->
  (forall m w, In (m, w) (s1 ++ s2) -> 0 < height m (at_time c p t)) ->
  exists t', t < t' /\ t' <= 1 /\ inside_simplex (r1 ++ (l', v') :: r2) (at_time c p t').
Proof.
  intros PS PR BEYOND SAME T0 T1 Z N POS. set (r := r1 ++ (l', v') :: r2) in *. set (s := s1 ++ (l, v) :: s2) in *.
  destruct (coordinate s PS s1 l v s2 eq_refl) as (_ & LZ).
  assert (SCALE : forall y, height l y == height l' y * height l v').
  { intros y. apply (multiple_of_coordinate r1 l' v' r2); [exact PR|]. intros w W.
    apply SAME, corner_of in W. destruct W as (m & W). apply (LZ m w W). }
  assert (UP : 0 < height l' p). { specialize (SCALE p). nra. }
  assert (ZERO : height l' (at_time c p t) == 0).
  { assert (E := SCALE (at_time c p t)). rewrite Z in E. symmetry in E. apply Qmult_integral in E. destruct E; [assumption | lra]. }
  assert (NEAR : small (fun e => forall mw, In mw r -> 0 <= height (fst mw) (at_time c p (t + e)))).
  { apply small_forall. intros (m, w) I. simpl.
    assert (STEP : forall e, height m (at_time c p (t + e)) == height m (at_time c p t) + e * (height m p - height m c)).
    { intros e. rewrite !height_at. ring. }
    assert (J := I). unfold r in J. apply in_middle in J. destruct J as [[= -> ->]|J].
    - apply small_true. intros e E. rewrite STEP, ZERO. rewrite height_at in ZERO.
      assert (0 < height l' p - height l' c) by nra. nra.
    - assert (M : 0 < height m (at_time c p t)).
      { assert (W : In w (map snd (r1 ++ r2))) by (apply corner_of; eauto).
        apply SAME, corner_of in W. destruct W as (k & K).
        assert (ONE : height m w == 1).
        { destruct (in_split _ _ I) as (q1 & q2 & E). destruct (coordinate r PR q1 m w q2 E) as (O & _). exact O. }
        rewrite (barycentric_sum s PS). apply (weighed_positive s m _ k w).
        - intros k' w' K'. unfold s in K'. apply in_middle in K'. destruct K' as [[= -> ->]|K'].
          + rewrite Z. lra.
          + specialize (POS k' w' K').
            assert (IN : In w' (map snd r)).
            { assert (In w' (map snd (r1 ++ r2))) as B by (apply SAME, corner_of; eauto).
              apply corner_of in B. destruct B as (n & B). apply corner_of. exists n. unfold r. apply in_middle. auto. }
            destruct (coordinate_at r m w' PR) as [O|O]; [| exact IN | rewrite O; lra | rewrite O; lra].
            apply in_map_iff. exists (m, w). auto.
        - unfold s. apply in_middle. auto.
        - rewrite ONE. specialize (POS k w K). lra. }
      generalize (small_positive _ (height m p - height m c) M). apply small_weaken. intros e _ E. rewrite STEP. lra. }
  destruct (small_witness _ (small_and _ _ (small_le (1 - t) ltac:(lra)) NEAR)) as (e & E0 & _ & E1 & J).
  exists (t + e). repeat split; [lra | lra|]. intros m w I. apply (J (m, w) I).
Qed.

(** The forms that vanish at [p] if the walk from [c] to it meets the intersection of two facets of a simplex. *)
Definition ridge (c : place) (l m : form) : form := sum (scaled (height l c) m) (scaled (- height m c) l).

Lemma height_ridge c l m x : height (ridge c l m) x == height l c * height m x - height m c * height l x.
Proof. unfold ridge. rewrite height_sum, !height_scaled. ring. Qed.

Definition ridges_of (c : place) (s : simplex) : list form :=
  flat_map (fun lv => map (fun mw => ridge c (fst lv) (fst mw)) s) s.

Lemma no_walk c p s0 : In s0 simplices -> (forall l v, In (l, v) s0 -> 0 < height l c) ->
  (forall s l v, In s simplices -> In (l, v) s -> ~ height l c == 0) ->
  (forall g, In g domain -> 0 < height g p) ->
  (forall s1 l v s2 m w, In (s1 ++ (l, v) :: s2) simplices -> In (m, w) (s1 ++ s2) -> ~ height (ridge c l m) p == 0) ->
  ~ (forall s, In s simplices -> ~ inside_simplex s p).
Proof.
  intros S0 C GENERIC DP RIDGES N.
  apply (one_is_last c p (map (map fst) simplices)).
  { intros r R. apply in_map_iff in R. destruct R as (s & <- & S). rewrite held_simplex. now apply N. }
  assert (START : held (map fst s0) (at_time c p 0)).
  { apply held_simplex. intros l v I. rewrite height_at. specialize (C l v I). lra. }
  intros [H|(q & t & Q & L & MAX)].
  { apply (H (map fst s0) 0); [now apply in_map | lra | lra | exact START]. }
  apply in_map_iff in Q. destruct Q as (s & <- & S). destruct L as (T0 & T1 & IN & g & G & Z & NEG).
  apply in_map_iff in G. destruct G as ((l, v) & E & I). simpl in E. subst g.
  assert (LC := GENERIC s l v S I).
  assert (T : 0 < t). { destruct (Qlt_le_dec 0 t); [assumption|]. exfalso. apply LC. rewrite height_at in Z. assert (t == 0) as E by lra. rewrite E in Z. lra. }
  destruct (in_split _ _ I) as (s1 & s2 & E). subst s. assert (P := simplices_proper _ S).
  assert (POS : forall m w, In (m, w) (s1 ++ s2) -> 0 < height m (at_time c p t)).
  { intros m w M. assert (NN : 0 <= height m (at_time c p t)).
    { apply held_simplex in IN. apply (IN m w). apply in_middle. auto. }
    destruct (Qlt_le_dec 0 (height m (at_time c p t))) as [|Y]; [assumption|exfalso].
    assert (ZM : height m (at_time c p t) == 0) by lra.
    apply (RIDGES s1 l v s2 m w S M). rewrite height_ridge. rewrite height_at in Z, ZM.
    set (a := height l c) in *. set (b := height l p) in *. set (a' := height m c) in *. set (b' := height m p) in *.
    assert (K : t * (a * b' - a' * b) == 0).
    { transitivity (a * (a' + t * (b' - a')) - a' * (a + t * (b - a))); [ring|]. rewrite Z, ZM. ring. }
    apply Qmult_integral in K. destruct K; [lra | assumption]. }
  destruct (facets_matched s1 l v s2 S) as [(r1 & l' & v' & r2 & R & BEYOND & SAME)|(side & D & ALONG)].
  - destruct (crosses_facet c p s1 l v s2 r1 l' v' r2 t) as (t' & A & B & J); auto.
    assert (F := MAX (map fst (r1 ++ (l', v') :: r2)) t' ltac:(now apply in_map) ltac:(lra) B ltac:(now apply held_simplex)). lra.
  - assert (Y : height side (at_time c p t) == 0).
    { rewrite (multiple_of_coordinate s1 l v s2 side _ P ALONG), Z. ring. }
    assert (IC := side_positive s0 c side S0 C D). specialize (DP side D). rewrite height_at in Y. nra.
Qed.

(** Near a point outside all simplices all points are. *)
Lemma outside_open (l : list simplex) x : (forall s, In s l -> ~ inside_simplex s x) ->
  exists open, (forall h, In h open -> 0 < height h x) /\
    forall y, (forall h, In h open -> 0 < height h y) -> forall s, In s l -> ~ inside_simplex s y.
Proof.
  induction l as [|s l IH]; intros N; [exists []; split; [intros h [] | intros y _ s []]|].
  destruct IH as (open & P & O); [intros; apply N; now right|].
  destruct (not_held (map fst s) x) as (g & G & L). { rewrite held_simplex. apply N. now left. }
  exists (scaled (- (1)) g :: open). split.
  - intros h [<-|H]; [rewrite height_scaled; lra | now apply P].
  - intros y Y r [<-|R]; [|apply O; auto; intros; apply Y; now right].
    intros J. apply held_simplex in J. specialize (J g G). specialize (Y _ (or_introl eq_refl)). rewrite height_scaled in Y. lra.
Qed.

Lemma coordinate_varies s l v : In s simplices -> In (l, v) s -> height l v == 1.
Proof.
  intros S I. destruct (in_split _ _ I) as (s1 & s2 & E). destruct (coordinate s (simplices_proper s S) s1 l v s2 E). assumption.
Qed.

(** Every point of the domain lies in a simplex. *)
Theorem simplices_cover p : held domain p -> exists s, In s simplices /\ inside_simplex s p.
Proof.
  intros P.
  destruct (Exists_dec (fun s => held (map fst s) p) simplices (fun s => held_dec (map fst s) p)) as [X|X].
  { apply Exists_exists in X. destruct X as (s & S & H). exists s. split; [assumption | now apply held_simplex]. }
  exfalso. assert (N : forall s, In s simplices -> ~ inside_simplex s p).
  { intros s S I. apply X, Exists_exists. exists s. split; [assumption | now apply held_simplex]. }
  clear X. destruct simplices as [|s0 rest] eqn:EQ; [contradiction|]. rewrite <- EQ in *.
  assert (S0 : In s0 simplices) by (rewrite EQ; now left). clear EQ rest.
  (* a point of the first simplex on no facet *)
  destruct (general_point (map fst s0) (flat_map (map fst) simplices) (centroid s0)) as (c & CP & CN).
  { intros h H. apply in_map_iff in H. destruct H as ((l, v) & <- & I). apply (centroid_inside s0 (simplices_proper s0 S0) l v I). }
  { intros g G. apply in_flat_map in G. destruct G as (s & S & G). apply in_map_iff in G. destruct G as ((l, v) & <- & I).
    exists v. simpl. rewrite (coordinate_varies s l v S I). lra. }
  assert (C : forall l v, In (l, v) s0 -> 0 < height l c).
  { intros l v I. apply CP. apply in_map_iff. exists (l, v). auto. }
  assert (GENERIC : forall s l v, In s simplices -> In (l, v) s -> ~ height l c == 0).
  { intros s l v S I. apply CN. apply in_flat_map. exists s. split; [assumption|]. apply in_map_iff. exists (l, v). auto. }
  (* a point strictly inside the domain and outside all simplices *)
  destruct (outside_open simplices p N) as (open & OP & OUT).
  assert (NEAR : small (fun e => forall h, In h open -> 0 < height h (between p c e))).
  { apply small_forall. intros h H. generalize (small_positive _ (height h c - height h p) (OP h H)). apply small_weaken.
    intros e _ E. rewrite height_between. exact E. }
  destruct (small_witness _ NEAR) as (e & E0 & E1 & NEAR').
  assert (STRICT : forall g, In g domain -> 0 < height g (between p c e)).
  { intros g G. rewrite height_between. assert (A := side_positive s0 c g S0 C G). specialize (P g G). nra. }
  (* and there one that no ridge hides from c *)
  destruct (general_point (open ++ domain)
    (flat_map (fun s => flat_map (fun lv => flat_map (fun mw =>
      if Qeq_dec (height (fst lv) (snd mw)) 0 then [ridge c (fst lv) (fst mw)] else []) s) s) simplices) (between p c e))
    as (q & QP & QN).
  { intros h H. apply in_app_iff in H. destruct H; auto. }
  { intros g G. apply in_flat_map in G. destruct G as (s & S & G). apply in_flat_map in G. destruct G as ((l, v) & I & G).
    apply in_flat_map in G. destruct G as ((m, w) & J & G). simpl in G.
    destruct (Qeq_dec (height l w) 0) as [Z|]; [|destruct G]. destruct G as [<-|[]].
    exists w. rewrite height_ridge, Z, (coordinate_varies s m w S J). intros E. apply (GENERIC s l v S I). lra. }
  apply (no_walk c q s0 S0 C GENERIC).
  - intros g G. apply QP, in_app_iff. now right.
  - intros s1 l v s2 m w S M. apply QN. apply in_flat_map. exists (s1 ++ (l, v) :: s2). split; [assumption|].
    apply in_flat_map. exists (l, v). split; [apply in_middle; now left|].
    apply in_flat_map. exists (m, w). split; [apply in_middle; now right|]. simpl.
    destruct (coordinate _ (simplices_proper _ S) s1 l v s2 eq_refl) as (_ & LZ).
    destruct (Qeq_dec (height l w) 0) as [|Y]; [now left | exfalso; apply Y; eauto].
  - apply OUT. intros h H. apply QP, in_app_iff. now left.
Qed.
End Cover.
End Dimension.

Arguments general_point {dim}.
Arguments coordinate {dim}.
Arguments barycentric_sum {dim}.
Arguments some_corner {dim}.
Arguments coordinate_at {dim}.
Arguments centroid_inside {dim}.
Arguments weighed_nonneg {dim}.
Arguments weighed_positive {dim}.
Arguments weighed_zero {dim}.
Arguments held_dec {dim}.
Arguments held_simplex {dim}.
Arguments not_held {dim}.
Arguments outside_open {dim}.
Arguments simplices_cover {dim}.
