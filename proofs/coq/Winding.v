(** A closed polygon that turns strictly left at every corner and winds once is convex. *)
From Cpwl Require Export Polygon.
From Coq Require Import Lia ZArith.

(** Edge vectors are points. *)
Definition vector (e : point * point) : point := Point (px (snd e) - px (fst e)) (py (snd e) - py (fst e)).
Definition vectors (l : list (point * point)) : list point := map vector l.
Definition cross (a b : point) : Q := px a * py b - py a * px b.

(** Upward: into the upper half plane, or to the right. *)
Definition upward (d : point) : bool :=
  if Qle_bool (py d) 0 then Qle_bool 0 (py d) && negb (Qle_bool (px d) 0) else true.

Definition left_turn (t : point * point) : Prop := 0 < cross (fst t) (snd t).
Definition rises (t : point * point) : bool := negb (upward (fst t)) && upward (snd t).
Definition falls (t : point * point) : bool := upward (fst t) && negb (upward (snd t)).
Definition count (f : point * point -> bool) (l : list (point * point)) : nat := length (filter f l).

(** The rule of the certificate format: pairs of consecutive edge vectors turn left, one of them rises. *)
Definition turns_once (l : list point) : Prop :=
  (forall t, In t (edges (vectors (edges l))) -> left_turn t) /\ count rises (edges (vectors (edges l))) = 1%nat.

(** ** In one half plane, turning left is transitive *)
(** Half planes: [half true] holds the upward vectors, [half false] their opposites. *)
Definition half (f : bool) (d : point) : Prop :=
  if f then 0 < py d \/ (py d == 0 /\ 0 < px d) else py d < 0 \/ (py d == 0 /\ px d < 0).

Lemma half_upward d : ~ (px d == 0 /\ py d == 0) -> half (upward d) d.
Proof.
  intros N. unfold upward. destruct (Qle_bool (py d) 0) eqn:A.
  - apply Qle_bool_iff in A. destruct (Qle_bool 0 (py d)) eqn:B; simpl.
    + apply Qle_bool_iff in B. assert (Y : py d == 0) by lra.
      destruct (Qle_bool (px d) 0) eqn:C; simpl; right; (split; [exact Y|]).
      * apply Qle_bool_iff in C. destruct (Qlt_le_dec (px d) 0); [assumption|]. exfalso. apply N. split; lra.
      * apply Qnot_le_lt. intros L. apply Qle_bool_iff in L. congruence.
    + left. apply Qnot_le_lt. intros L. apply Qle_bool_iff in L. congruence.
  - simpl. left. apply Qnot_le_lt. intros L. apply Qle_bool_iff in L. congruence.
Qed.

Lemma cross_swap a b : cross a b == - cross b a.
Proof. unfold cross; ring. Qed.

Lemma cross_y a b c : py b * cross a c == cross a b * py c + cross b c * py a.
Proof. unfold cross; ring. Qed.

Lemma half_transitive_up a b c : half true a -> half true b -> half true c ->
  0 <= cross a b -> 0 < cross b c -> 0 < cross a c.
Proof.
  intros A B C P Q. simpl in *. assert (E := cross_y a b c).
  destruct B as [B|(B0 & B)].
  - assert (0 <= py c) by (destruct C as [C|(C & _)]; lra).
    destruct A as [A|(A0 & A)].
    + assert (0 <= cross a b * py c) by nra. assert (0 < cross b c * py a) by nra.
      assert (0 < py b * cross a c) by lra. nra.
    + destruct C as [C|(C0 & C)].
      * unfold cross in *. rewrite A0 in *. nra.
      * exfalso. unfold cross in Q. rewrite C0 in Q. nra.
  - unfold cross in *. rewrite B0 in *.
    assert (YC : 0 < py c). { destruct C as [C|(C0 & C)]; [assumption|]. rewrite C0 in Q. lra. }
    destruct A as [A|(A0 & A)]; [exfalso; nra|]. rewrite A0. nra.
Qed.

Definition negative (d : point) : point := Point (- px d) (- py d).

Lemma half_negative f d : half f d -> half (negb f) (negative d).
Proof. destruct f; simpl; intros [H|(H & K)]; [left; lra | right; split; lra | left; lra | right; split; lra]. Qed.

Lemma cross_negative a b : cross (negative a) (negative b) == cross a b.
Proof. unfold cross, negative; simpl; ring. Qed.

Lemma half_transitive f a b c : half f a -> half f b -> half f c -> 0 <= cross a b -> 0 < cross b c -> 0 < cross a c.
Proof.
  destruct f; [apply half_transitive_up|]. intros A B C P Q.
  apply half_negative in A, B, C. rewrite <- cross_negative.
  apply half_transitive_up with (negative b); try assumption; rewrite cross_negative; assumption.
Qed.

(** ** Signs round the polygon: seen from the first edge, left, then right *)
Definition switches (t : point * point) : bool := xorb (upward (fst t)) (upward (snd t)).

Section First.
Variable d : point.

(** Once an edge does not point to the left of [d], all later ones point to the right. *)
Fixpoint descending (l : list point) : Prop :=
  match l with
  | [] => True
  | x :: l' => (cross d x <= 0 -> forall y, In y l' -> cross d y < 0) /\ descending l'
  end.

Lemma descending_right l : (forall y, In y l -> cross d y < 0) -> descending l.
Proof.
  induction l as [|x l IH]; intros H; simpl; [exact I|]. split; [intros _ y Y; apply H; now right|].
  apply IH. intros y Y. apply H. now right.
Qed.

Definition turning (x : point) (l : list point) : Prop := forall t, In t (steps x (l ++ [d])) -> left_turn t.
Definition switching (x : point) (l : list point) : nat := count switches (steps x (l ++ [d])).

Lemma turning_next x y l : turning x (y :: l) -> 0 < cross x y /\ turning y l.
Proof. intros T. split; [apply (T (x, y)); now left | intros t I; apply T; now right]. Qed.

Lemma switching_next x y l : switching x (y :: l) = ((if switches (x, y) then 1 else 0) + switching y l)%nat.
Proof. unfold switching, count. simpl. destruct (switches (x, y)); reflexivity. Qed.

Lemma nonzero_start x y : 0 < cross x y -> half (upward x) x.
Proof. intros H. apply half_upward. intros (A & B). unfold cross in H. rewrite A, B in H. lra. Qed.

Lemma turning_half x l : turning x l -> half (upward x) x.
Proof. destruct l as [|y l]; intros T; [apply (nonzero_start x d) | apply (nonzero_start x y)]; apply (T (x, _)); now left. Qed.

Hypothesis d_half : half (upward d) d.

(** The last stretch, in the half plane of [d]. *)
Lemma last_stretch l : forall x, turning x l -> upward x = upward d -> switching x l = 0%nat ->
  0 < cross x d /\ forall y, In y l -> cross d y < 0.
Proof.
  induction l as [|y l IH]; intros x T U S.
  - split; [apply (T (x, d)); now left | intros y []].
  - assert (HX := turning_half _ _ T). destruct (turning_next _ _ _ T) as (XY & T').
    rewrite switching_next in S. unfold switches in S. simpl in S.
    assert (UY : upward y = upward d).
    { rewrite <- U. destruct (upward x), (upward y); simpl in S; try reflexivity; discriminate. }
    assert (S' : switching y l = 0%nat) by (destruct (xorb _ _); simpl in S; lia).
    destruct (IH y T' UY S') as (YD & R). assert (HY := turning_half _ _ T').
    rewrite U in HX. rewrite UY in HY. split.
    + apply (half_transitive (upward d) x y d); auto. now apply Qlt_le_weak.
    + intros z [<-|Z]; [|now apply R]. assert (K := cross_swap d y). lra.
Qed.

(** The stretch in the other half plane. *)
Lemma middle_stretch l : forall x, turning x l -> upward x = negb (upward d) -> (switching x l <= 1)%nat ->
  descending (x :: l).
Proof.
  induction l as [|y l IH]; intros x T U S; [simpl; tauto|].
  assert (HX := turning_half _ _ T). destruct (turning_next _ _ _ T) as (XY & T').
  assert (HY := turning_half _ _ T'). rewrite switching_next in S. unfold switches in S. simpl in S.
  destruct (Bool.bool_dec (upward y) (upward d)) as [UY|UY].
  - rewrite U, UY in S. assert (S' : switching y l = 0%nat) by (destruct (upward d); simpl in S; lia).
    destruct (last_stretch l y T' UY S') as (YD & R).
    assert (RIGHT : forall z, In z (y :: l) -> cross d z < 0).
    { intros z [<-|Z]; [assert (K := cross_swap d y); lra | now apply R]. }
    split; [intros _; exact RIGHT | now apply descending_right].
  - assert (UY' : upward y = negb (upward d)) by (destruct (upward y), (upward d); simpl in *; congruence).
    rewrite U, UY' in S. assert (S' : (switching y l <= 1)%nat) by (destruct (upward d); simpl in S; lia).
    assert (D := IH y T' UY' S'). split; [|exact D].
    intros L. assert (Y : cross d y < 0).
    { rewrite U in HX. rewrite UY' in HY. assert (HD := half_negative _ _ d_half).
      assert (K : 0 < cross (negative d) y).
      { apply (half_transitive (negb (upward d)) (negative d) x y); auto.
        unfold cross, negative in *; simpl; lra. }
      unfold cross, negative in *; simpl in K; lra. }
    intros z [<-|Z]; [exact Y|]. destruct D as (D & _). apply D; [now apply Qlt_le_weak | exact Z].
Qed.

(** The first stretch, in the half plane of [d]. *)
Lemma first_stretch l : forall x, turning x l -> upward x = upward d -> (switching x l <= 2)%nat ->
  0 <= cross d x -> descending l.
Proof.
  induction l as [|y l IH]; intros x T U S P; [exact I|].
  assert (HX := turning_half _ _ T). destruct (turning_next _ _ _ T) as (XY & T').
  assert (HY := turning_half _ _ T'). rewrite switching_next in S. unfold switches in S. simpl in S.
  destruct (Bool.bool_dec (upward y) (upward d)) as [UY|UY].
  - rewrite U, UY, Bool.xorb_nilpotent in S. rewrite U in HX. rewrite UY in HY.
    assert (Y : 0 < cross d y) by (apply (half_transitive (upward d) d x y); auto).
    split; [intros; lra|]. apply (IH y); auto. now apply Qlt_le_weak.
  - assert (UY' : upward y = negb (upward d)) by (destruct (upward y), (upward d); simpl in *; congruence).
    apply (middle_stretch l y T' UY'). rewrite U, UY' in S. destruct (upward d); simpl in S; lia.
Qed.
End First.

(** ** Heights above the line of the first edge *)
Lemma at_step a b p q : at_ q (line a b) == at_ p (line a b) + cross (vector (a, b)) (vector (p, q)).
Proof. unfold at_, line, cross, vector; simpl; ring. Qed.

Lemma sinking a b z l : forall q, at_ q (line a b) <= 0 ->
  (forall y, In y (vectors (steps q (l ++ [z]))) -> cross (vector (a, b)) y < 0) -> at_ z (line a b) < 0.
Proof.
  induction l as [|r l IH]; simpl; intros q H R.
  - rewrite (at_step a b q z). specialize (R (vector (q, z)) (or_introl eq_refl)). lra.
  - apply (IH r); [|intros; apply R; now right].
    rewrite (at_step a b q r). specialize (R (vector (q, r)) (or_introl eq_refl)). lra.
Qed.

Lemma heights a b l : forall q, 0 < at_ q (line a b) ->
  descending (vector (a, b)) (vectors (steps q (l ++ [a]))) -> forall v, In v l -> 0 < at_ v (line a b).
Proof.
  induction l as [|r l IH]; intros q H D v V; [destruct V|]. destruct D as (R & D).
  assert (HR : 0 < at_ r (line a b)).
  { destruct (Qlt_le_dec 0 (at_ r (line a b))) as [|L]; [assumption | exfalso].
    assert (E := at_step a b q r). assert (X : cross (vector (a, b)) (vector (q, r)) <= 0) by lra.
    assert (Z := sinking a b a l r L (R X)). rewrite line_start in Z. lra. }
  destruct V as [<-|V]; [exact HR | now apply (IH r HR D)].
Qed.

(** ** The count of switches *)
Definition bit (b : bool) : Z := if b then 1%Z else 0%Z.

Lemma telescope l : forall x z, (Z.of_nat (count rises (steps x (l ++ [z]))) - Z.of_nat (count falls (steps x (l ++ [z])))
  = bit (upward z) - bit (upward x))%Z.
Proof.
  induction l as [|y l IH]; intros x z; unfold count in *; simpl.
  - unfold rises, falls. simpl. destruct (upward x), (upward z); reflexivity.
  - specialize (IH y z). unfold rises at 1, falls at 1. simpl.
    destruct (upward x), (upward y); simpl length; rewrite ?Nat2Z.inj_succ; unfold bit in *; lia.
Qed.

Lemma count_switches l : count switches l = (count rises l + count falls l)%nat.
Proof.
  unfold count. induction l as [|(x, y) l IH]; [reflexivity|]. simpl.
  unfold switches at 1, rises at 1, falls at 1. simpl. destruct (upward x), (upward y); simpl; lia.
Qed.

(** ** Seen from the first edge, and from every edge *)
Lemma first_edge a b l : turns_once (a :: b :: l) -> forall v, In v l -> 0 < at_ v (line a b).
Proof.
  intros (T & C) v V. destruct l as [|q l]; [destruct V|].
  set (d := vector (a, b)) in *. set (ds := vectors (steps b ((q :: l) ++ [a]))) in *.
  change (edges (vectors (edges (a :: b :: q :: l)))) with (steps d (ds ++ [d])) in T, C.
  assert (TD : turning d d ds) by exact T.
  assert (H := turning_half d d ds TD).
  assert (S : switching d d ds = 2%nat).
  { unfold switching. rewrite count_switches, C. assert (E := telescope ds d d). lia. }
  assert (Z : cross d d == 0) by (unfold cross; ring).
  assert (D : descending d ds). { apply (first_stretch d H ds d TD eq_refl); [lia | rewrite Z; lra]. }
  assert (Q : 0 < at_ q (line a b)).
  { rewrite (at_step a b b q), line_end. fold d.
    assert (K : 0 < cross d (vector (b, q))) by (apply (T (d, vector (b, q))); now left). lra. }
  destruct V as [<-|V]; [exact Q|]. apply (heights a b l q Q); [|exact V]. exact (proj2 D).
Qed.

Lemma steps_snoc {A} (l : list A) : forall a y z, steps a ((l ++ [y]) ++ [z]) = steps a (l ++ [y]) ++ [(y, z)].
Proof. induction l as [|b l IH]; intros a y z; simpl; [reflexivity | now rewrite IH]. Qed.

Lemma edges_rotate {A} (a : A) l : exists e m, edges (a :: l) = e :: m /\ edges (l ++ [a]) = m ++ [e].
Proof.
  destruct l as [|b l]; [exists (a, a), []; auto|]. exists (a, b), (steps b (l ++ [a])). split; [reflexivity|].
  simpl. apply steps_snoc.
Qed.

Lemma turns_once_rotate a l : turns_once (a :: l) -> turns_once (l ++ [a]).
Proof.
  unfold turns_once. destruct (edges_rotate a l) as (e & m & E & E'). rewrite E, E'.
  unfold vectors. rewrite map_app. simpl.
  destruct (edges_rotate (vector e) (map vector m)) as (t & n & F & F'). rewrite F'. simpl edges in F. simpl. rewrite F.
  unfold count. rewrite filter_app, app_length. simpl. intros (T & C). split.
  - intros u U. apply T. apply in_app_iff in U. simpl in *. tauto.
  - destruct (rises t); simpl in *; lia.
Qed.

Lemma turns_once_split l1 : forall l2, turns_once (l1 ++ l2) -> turns_once (l2 ++ l1).
Proof.
  induction l1 as [|a l1 IH]; intros l2 T; [rewrite app_nil_r; exact T|].
  simpl in T. apply turns_once_rotate in T. rewrite <- app_assoc in T. apply IH in T.
  rewrite <- app_assoc in T. exact T.
Qed.

Lemma steps_split {A} (l : list A) : forall a c d, In (c, d) (steps a l) -> exists l1 l2, a :: l = l1 ++ c :: d :: l2.
Proof.
  induction l as [|b l IH]; intros a c d H; [destruct H|]. destruct H as [[= -> ->]|H]; [exists [], l; reflexivity|].
  destruct (IH b c d H) as (l1 & l2 & E). exists (a :: l1), l2. simpl. now rewrite E.
Qed.

Lemma steps_in_app {A} (l : list A) : forall a z e, In e (steps a (l ++ [z])) -> In e (steps a l) \/ e = (last l a, z).
Proof.
  induction l as [|b l IH]; intros a z e H; simpl in *; [destruct H as [<-|[]]; auto|].
  destruct H as [<-|H]; [auto|]. destruct (IH b z e H) as [K|K]; [auto|]. right. rewrite K. f_equal.
  destruct l as [|c l]; [reflexivity|]. clear. revert c. induction l; simpl in *; auto.
Qed.

Lemma turns_once_strict l : turns_once l -> strict l.
Proof.
  intros T e v E V. destruct l as [|a l]; [destruct E|]. destruct e as (c, d).
  assert (SEEN : exists m, turns_once (c :: d :: m) /\ (In v (a :: l) -> v = c \/ v = d \/ In v m)).
  { apply steps_in_app in E. destruct E as [E|E].
    - destruct (steps_split l a c d E) as (l1 & l2 & S). rewrite S in *.
      exists (l2 ++ l1). split; [apply (turns_once_split l1 (c :: d :: l2) T)|].
      rewrite !in_app_iff. simpl. intuition.
    - injection E as -> ->. destruct (exists_last (l := a :: l)) as (m & z & M); [discriminate|].
      assert (LAST : last l a = z).
      { assert (H : last (a :: l) a = z) by (rewrite M; apply last_last). destruct l; exact H. }
      rewrite LAST. destruct m as [|b m].
      + (* one corner: no turn *)
        exfalso. simpl in M. injection M as -> ->. destruct T as (T & _).
        specialize (T _ (or_introl eq_refl)). unfold left_turn, cross, vector in T. simpl in T. lra.
      + simpl in M. injection M as <- M. rewrite M in *. exists m. split.
        * apply (turns_once_split (a :: m) [z]) in T. exact T.
        * simpl. rewrite in_app_iff. simpl. intuition. }
  destruct SEEN as (m & TM & VM). destruct (VM V) as [->|[->|I]].
  - right; left. split; reflexivity.
  - right; right. split; reflexivity.
  - left. apply (first_edge c d m TM v I).
Qed.

Lemma turns_once_fan l : turns_once l -> fan l.
Proof.
  intros T. assert (T' := T). destruct T' as (L & N).
  destruct l as [|p [|a [|b l]]]; simpl fan.
  - discriminate N.
  - specialize (L _ (or_introl eq_refl)). unfold left_turn, cross, vector in L. simpl in L. lra.
  - specialize (L _ (or_introl eq_refl)). unfold left_turn, cross, vector in L. simpl in L. lra.
  - intros c d S. destruct (steps_split (b :: l) a c d S) as (l1 & l2 & E). rewrite E in T.
    apply (turns_once_split (p :: l1) (c :: d :: l2)) in T. apply (first_edge c d (l2 ++ p :: l1) T).
    apply in_app_iff. right. now left.
Qed.

Theorem turns_once_convex l : turns_once l -> convex l.
Proof. intros T. split; [now apply turns_once_strict | now apply turns_once_fan]. Qed.
