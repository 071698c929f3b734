(** The checker of tilings as a function, and its soundness. Rules are numbered as in the certificate format. *)
From Cpwl Require Export Tiling Winding.
From Coq Require Import Lia.

(** Regions are lists of places in the table of vertices. *)
Record certificate := Certificate {
  net : network;
  domain : list point;
  vertices : list point;
  regions : list (list nat)
}.

(** What is claimed of the values at points; a value is given by its number in the network. *)
Inductive claim :=
| RegionCount (n : nat)
| Largest (i : nat) (value : Q) (vertex : nat)
| Smallest (i : nat) (value : Q) (vertex : nat)
| Decision (i : nat) (others : list nat)
| Equality (pairs : list (nat * nat)).

Definition vertex_at (c : certificate) (i : nat) : point := nth i (vertices c) (Point 0 0).
Definition polygon (c : certificate) (region : list nat) : list point := map (vertex_at c) region.
Definition polygons (c : certificate) : list (list point) := map (polygon c) (regions c).

(** ** The rules *)
Definition positive (x : Q) : bool := negb (Qle_bool x 0).
Definition zero (x : Q) : bool := Qeq_bool x 0.

Definition turns_once_b (l : list point) : bool :=
  let turns := edges (vectors (edges l)) in
  forallb (fun t => positive (cross (fst t) (snd t))) turns && Nat.eqb (count rises turns) 1.

Definition inside_b (l : list point) (x : point) : bool := forallb (fun e => Qle_bool 0 (at_ x (side e))) (edges l).

Fixpoint distinct {A} (same : A -> A -> bool) (l : list A) : bool :=
  match l with
  | [] => true
  | x :: l' => negb (existsb (same x) l') && distinct same l'
  end.

Definition pair_same (e f : nat * nat) : bool := Nat.eqb (fst e) (fst f) && Nat.eqb (snd e) (snd f).

Definition along_side (c : certificate) (e : nat * nat) : bool :=
  existsb (fun s => zero (at_ (vertex_at c (fst e)) (side s)) && zero (at_ (vertex_at c (snd e)) (side s)))
    (edges (domain c)).

Definition all_edges (c : certificate) : list (nat * nat) := flat_map edges (regions c).

Definition met (c : certificate) (e : nat * nat) : bool :=
  existsb (pair_same (snd e, fst e)) (all_edges c) || along_side c e.

Definition sum (l : list Q) : Q := fold_right (fun x y => Qred (x + y)) 0 l.

(** Twice the area, by the shoelace formula. *)
Definition area (l : list point) : Q := sum (map (fun e => cross (fst e) (snd e)) (edges l)).

Definition piece_dec (p q : piece) : {p = q} + {p <> q}.
Proof. decide equality; [apply list_eq_dec, Bool.bool_dec | apply Nat.eq_dec]. Defined.

Definition pattern_dec (p q : option (list piece)) : {p = q} + {p <> q}.
Proof. decide equality. apply list_eq_dec, piece_dec. Defined.

Definition pattern_same (p q : option (list piece)) : bool := if pattern_dec p q then true else false.

Definition in_table (c : certificate) (i : nat) : bool := Nat.ltb i (length (vertices c)).

(** The rules by number; 0: regions name vertices of the table. *)
Definition rules (c : certificate) : list (nat * bool) :=
  let patterns := map (pattern_of (net c)) (polygons c) in
  [(0, forallb (forallb (in_table c)) (regions c));
   (2, turns_once_b (domain c));
   (3, forallb (inside_b (domain c)) (vertices c));
   (4, forallb turns_once_b (polygons c));
   (5, distinct pair_same (all_edges c));
   (6, forallb (met c) (all_edges c));
   (7, Qeq_bool (sum (map area (polygons c))) (area (domain c)));
   (8, forallb (fun p => match p with Some _ => true | None => false end) patterns);
   (9, distinct pattern_same patterns)]%nat.

(** The numbers of the rules that are broken. *)
Definition broken (c : certificate) : list nat := map fst (filter (fun rule => negb (snd rule)) (rules c)).

Definition table (c : certificate) (f : point -> bool) : bool := forallb f (vertices c).

Definition at_vertex (c : certificate) (i vertex : nat) (value : Q) : bool :=
  in_table c vertex && Qeq_bool (output (net c) (vertex_at c vertex) i) value.

Definition supported (c : certificate) (k : claim) : bool :=
  match k with
  | RegionCount n => Nat.eqb n (length (regions c))
  | Largest i value vertex => at_vertex c i vertex value && table c (fun v => Qle_bool (output (net c) v i) value)
  | Smallest i value vertex => at_vertex c i vertex value && table c (fun v => Qle_bool value (output (net c) v i))
  | Decision i others =>
    table c (fun v => forallb (fun j => positive (output (net c) v i - output (net c) v j)) others)
  | Equality pairs =>
    table c (fun v => forallb (fun e => Qeq_bool (output (net c) v (fst e)) (output (net c) v (snd e))) pairs)
  end.

Definition accepts (c : certificate) (k : claim) : bool :=
  match broken c with [] => supported c k | _ => false end.

(** ** What is claimed *)
Definition value_at (c : certificate) (x : point) (i : nat) : Q := output (net c) x i.

Definition holds (c : certificate) (k : claim) : Prop :=
  match k with
  | RegionCount n => length (polygons c) = n
  | Largest i value _ => (forall x, inside (domain c) x -> value_at c x i <= value) /\
                         exists x, inside (domain c) x /\ value_at c x i == value
  | Smallest i value _ => (forall x, inside (domain c) x -> value <= value_at c x i) /\
                          exists x, inside (domain c) x /\ value_at c x i == value
  | Decision i others => forall x j, inside (domain c) x -> In j others -> value_at c x j < value_at c x i
  | Equality pairs => forall x i j, inside (domain c) x -> In (i, j) pairs -> value_at c x i == value_at c x j
  end.

(** ** The rules are what they say *)
Lemma positive_iff x : positive x = true <-> 0 < x.
Proof.
  unfold positive. rewrite Bool.negb_true_iff. split.
  - apply Qle_bool_false.
  - intros H. destruct (Qle_bool x 0) eqn:E; [|reflexivity]. apply Qle_bool_iff in E. lra.
Qed.

Lemma turns_once_iff l : turns_once_b l = true -> turns_once l.
Proof.
  unfold turns_once_b, turns_once. rewrite Bool.andb_true_iff, forallb_forall, Nat.eqb_eq. intros (T & C).
  split; [|exact C]. intros t I. apply positive_iff, T, I.
Qed.

Lemma inside_b_inside l x : inside_b l x = true -> inside l x.
Proof. unfold inside_b. rewrite forallb_forall. intros H e E. apply Qle_bool_iff, H, E. Qed.

Lemma distinct_NoDup {A} (same : A -> A -> bool) l : (forall x y, x = y -> same x y = true) -> distinct same l = true -> NoDup l.
Proof.
  intros S. induction l as [|x l IH]; simpl; intros D; [constructor|].
  apply Bool.andb_true_iff in D. destruct D as (N & D). constructor; [|now apply IH].
  intros I. apply Bool.negb_true_iff in N. assert (existsb (same x) l = true); [|congruence].
  apply existsb_exists. eauto.
Qed.

Lemma steps_map {A B} (f : A -> B) l : forall a,
  steps (f a) (map f l) = map (fun e => (f (fst e), f (snd e))) (steps a l).
Proof. induction l as [|b l IH]; intros a; simpl; [reflexivity | now rewrite IH]. Qed.

Lemma edges_map {A B} (f : A -> B) l : edges (map f l) = map (fun e => (f (fst e), f (snd e))) (edges l).
Proof. destruct l as [|a l]; [reflexivity|]. simpl. rewrite <- steps_map, map_app. reflexivity. Qed.

(** *** Area *)
Lemma sum_cons x l : sum (x :: l) == x + sum l.
Proof. unfold sum; simpl. apply Qred_correct. Qed.

Lemma shoelace_from o l : forall a z,
  sum (map (fun e => cross (fst e) (snd e)) (steps a (l ++ [z]))) ==
  sum (map (fun e => at_ o (side e)) (steps a (l ++ [z]))) +
  (px o * (py z - py a) - py o * (px z - px a)).
Proof.
  assert (E : forall a b, cross a b == at_ o (line a b) + (px o * (py b - py a) - py o * (px b - px a))).
  { intros. unfold cross, at_, line; simpl; ring. }
  induction l as [|b l IH]; intros a z; simpl app; simpl steps; simpl map; rewrite !sum_cons.
  - unfold side; simpl. rewrite E. unfold sum; simpl. ring.
  - rewrite IH. unfold side at 2; simpl. rewrite E. ring.
Qed.

Lemma sum_nonneg l : (forall x, In x l -> 0 <= x) -> 0 <= sum l.
Proof.
  induction l as [|x l IH]; intros H; [unfold sum; simpl; lra|]. rewrite sum_cons.
  assert (X := H x (or_introl eq_refl)). assert (L : 0 <= sum l) by (apply IH; intros; apply H; now right). lra.
Qed.

Lemma sum_positive l y : (forall x, In x l -> 0 <= x) -> In y l -> 0 < y -> 0 < sum l.
Proof.
  induction l as [|x l IH]; intros H I P; [destruct I|]. rewrite sum_cons.
  assert (X := H x (or_introl eq_refl)). assert (H' : forall z, In z l -> 0 <= z) by (intros; apply H; now right).
  destruct I as [->|I]; [assert (L := sum_nonneg l H') | assert (L := IH H' I P)]; lra.
Qed.

(** The shoelace formula gives a convex polygon a positive area. *)
Theorem area_positive l : convex l -> 0 < area l.
Proof.
  intros C. assert (C' := C). destruct C' as (_ & F). destruct l as [|p [|a [|b l]]]; simpl in F; try contradiction.
  unfold area. change (edges (p :: a :: b :: l)) with (steps p ((a :: b :: l) ++ [p])).
  rewrite (shoelace_from p).
  assert (P : 0 < sum (map (fun e => at_ p (side e)) (steps p ((a :: b :: l) ++ [p])))); [|lra].
  apply (sum_positive _ (at_ p (side (a, b)))).
  - intros x X. apply in_map_iff in X. destruct X as (e & <- & E).
    exact (corner_inside _ p C (or_introl eq_refl) e E).
  - apply (in_map (fun e => at_ p (side e)) _ (a, b)). simpl. auto.
  - apply (F a b). now left.
Qed.

(** ** Soundness *)
Lemma unbroken c : broken c = [] -> forall rule, In rule (rules c) -> snd rule = true.
Proof.
  unfold broken. intros H rule I. destruct (snd rule) eqn:E; [reflexivity|].
  assert (K : In rule (filter (fun rule => negb (snd rule)) (rules c))) by (apply filter_In; rewrite E; auto).
  apply (in_map fst) in K. rewrite H in K. destruct K.
Qed.

(** What is used of the rules: all but rule 5. *)
Lemma broken_nil c : broken c = [] ->
  forallb (forallb (in_table c)) (regions c) = true /\
  turns_once_b (domain c) = true /\
  forallb (inside_b (domain c)) (vertices c) = true /\
  forallb turns_once_b (polygons c) = true /\
  forallb (met c) (all_edges c) = true /\
  Qeq_bool (sum (map area (polygons c))) (area (domain c)) = true /\
  forallb (fun p => match p with Some _ => true | None => false end) (map (pattern_of (net c)) (polygons c)) = true /\
  distinct pattern_same (map (pattern_of (net c)) (polygons c)) = true.
Proof.
  intros H. assert (U := unbroken c H).
  repeat split;
  [apply (U (0%nat, _)) | apply (U (2%nat, _)) | apply (U (3%nat, _)) | apply (U (4%nat, _)) | apply (U (6%nat, _))
  | apply (U (7%nat, _)) | apply (U (8%nat, _)) | apply (U (9%nat, _))];
  unfold rules; repeat (first [left; reflexivity | right]).
Qed.

Section Sound.
Variable c : certificate.
Hypothesis accepted : broken c = [].

Lemma corner_in_table r v : In r (polygons c) -> In v r -> In v (vertices c).
Proof.
  destruct (broken_nil c accepted) as (T & _). intros R V.
  unfold polygons in R. apply in_map_iff in R. destruct R as (idx & <- & I).
  unfold polygon in V. apply in_map_iff in V. destruct V as (i & <- & J).
  rewrite forallb_forall in T. specialize (T idx I). rewrite forallb_forall in T. specialize (T i J).
  apply Nat.ltb_lt in T. now apply nth_In.
Qed.

Lemma table_inside v : In v (vertices c) -> inside (domain c) v.
Proof.
  destruct (broken_nil c accepted) as (_ & _ & H & _). rewrite forallb_forall in H.
  intros V. apply inside_b_inside, H, V.
Qed.

Lemma accepted_tiling : tiling (net c) (domain c) (polygons c).
Proof.
  destruct (broken_nil c accepted) as (_ & D & _ & R & M & A & S & P).
  rewrite forallb_forall in R, S. constructor.
  - now apply turns_once_convex, turns_once_iff.
  - intros r I. now apply turns_once_convex, turns_once_iff, R.
  - intros r v I V. apply table_inside, (corner_in_table r); assumption.
  - intros E. rewrite E in A. apply Qeq_bool_iff in A.
    assert (K := area_positive (domain c) (turns_once_convex _ (turns_once_iff _ D))).
    rewrite <- A in K. unfold sum in K. simpl in K. lra.
  - intros r e I E. unfold polygons in I. apply in_map_iff in I. destruct I as (idx & <- & I).
    unfold polygon in E. rewrite edges_map in E. apply in_map_iff in E. destruct E as ((i, j) & <- & E).
    rewrite forallb_forall in M. specialize (M (i, j)). unfold met in M. rewrite Bool.orb_true_iff in M.
    destruct M as [M|M]; [apply in_flat_map; eauto | left | right].
    + apply existsb_exists in M. destruct M as ((k, m) & K & Q). unfold pair_same in Q.
      apply Bool.andb_true_iff in Q. destruct Q as (Q1 & Q2). apply Nat.eqb_eq in Q1, Q2. simpl in Q1, Q2. subst k m.
      apply in_flat_map in K. destruct K as (idx' & I' & K). exists (polygon c idx'). split; [now apply in_map|].
      unfold polygon. rewrite edges_map. apply in_map_iff. exists (j, i). auto.
    + unfold along_side in M. apply existsb_exists in M. destruct M as (s & Q & Z).
      apply Bool.andb_true_iff in Z. destruct Z as (Z1 & Z2). apply Qeq_bool_iff in Z1, Z2. exists s. auto.
  - intros r I. specialize (S _ (in_map (pattern_of (net c)) _ _ I)). destruct (pattern_of (net c) r); [eauto | discriminate].
  - apply (distinct_NoDup pattern_same); [|exact P]. intros x y ->. unfold pattern_same. destruct (pattern_dec y y); congruence.
Qed.

Lemma table_at (f : point -> bool) r v : table c f = true -> In r (polygons c) -> In v r -> f v = true.
Proof. unfold table. rewrite forallb_forall. intros H R V. apply H, (corner_in_table r); assumption. Qed.

Lemma taken i vertex value : at_vertex c i vertex value = true ->
  exists x, inside (domain c) x /\ value_at c x i == value.
Proof.
  unfold at_vertex. rewrite Bool.andb_true_iff, Qeq_bool_iff. intros (V & E). exists (vertex_at c vertex).
  split; [|exact E]. apply table_inside, nth_In, Nat.ltb_lt, V.
Qed.

Lemma supported_holds k : supported c k = true -> holds c k.
Proof.
  assert (T := accepted_tiling). destruct k as [n|i value vertex|i value vertex|i others|pairs]; simpl.
  - intros H. apply Nat.eqb_eq in H. unfold polygons. rewrite map_length. congruence.
  - rewrite Bool.andb_true_iff. intros (V & H). split; [|now apply (taken i vertex)].
    apply (at_most _ _ _ T). intros r v R W. apply Qle_bool_iff, (table_at _ r v H R W).
  - rewrite Bool.andb_true_iff. intros (V & H). split; [|now apply (taken i vertex)].
    apply (at_least _ _ _ T). intros r v R W. apply Qle_bool_iff, (table_at _ r v H R W).
  - intros H x j X J. apply (always_larger _ _ _ T); [|exact X]. intros r v R W.
    assert (K := table_at _ r v H R W). cbv beta in K. rewrite forallb_forall in K.
    specialize (K j J). apply positive_iff in K. lra.
  - intros H x i j X J. apply (always_equal _ _ _ T); [|exact X]. intros r v R W.
    assert (K := table_at _ r v H R W). cbv beta in K. rewrite forallb_forall in K.
    specialize (K (i, j) J). now apply Qeq_bool_iff in K.
Qed.
End Sound.

(** What the checker accepts is true. *)
Theorem sound c k : accepts c k = true -> is_partition (net c) (domain c) (polygons c) /\ holds c k.
Proof.
  unfold accepts. destruct (broken c) eqn:B; [|discriminate]. intros S. split.
  - apply tiling_is_partition, accepted_tiling, B.
  - now apply supported_holds.
Qed.

(** ** Claims about points *)
(** A network in a plane with a sample: points, and what is claimed of each. *)
Inductive fact :=
| Equal (i j : nat)
| Unequal (i j : nat)
| NotAbove (i j : nat)
| Level (i : nat) (level : Q)
| Different (k m : nat).

Definition fact_b (value : nat -> Q) (f : fact) : bool :=
  match f with
  | Equal i j => Qeq_bool (value i) (value j)
  | Unequal i j => negb (Qeq_bool (value i) (value j))
  | NotAbove i j => Qle_bool (value i) (value j)
  | Level i level => Qeq_bool (value i) level
  | Different k m => negb (Nat.eqb k m)
  end.

Definition states (value : nat -> Q) (f : fact) : Prop :=
  match f with
  | Equal i j => value i == value j
  | Unequal i j => ~ value i == value j
  | NotAbove i j => value i <= value j
  | Level i level => value i == level
  | Different k m => k <> m
  end.

Definition accepts_points (net : network) (domain : list point) (sample : list (point * list fact)) : bool :=
  turns_once_b domain &&
  forallb (fun s => inside_b domain (fst s) && forallb (fact_b (get (run net (start (fst s))))) (snd s)) sample.

Lemma fact_states value f : fact_b value f = true -> states value f.
Proof.
  destruct f; simpl.
  - apply Qeq_bool_iff.
  - rewrite Bool.negb_true_iff. apply Qeq_bool_neq.
  - apply Qle_bool_iff.
  - apply Qeq_bool_iff.
  - rewrite Bool.negb_true_iff. apply Nat.eqb_neq.
Qed.

Theorem points_sound net domain sample : accepts_points net domain sample = true ->
  convex domain /\ forall x facts f, In (x, facts) sample -> In f facts ->
    inside domain x /\ states (output net x) f.
Proof.
  unfold accepts_points. rewrite Bool.andb_true_iff, forallb_forall. intros (D & H). split.
  - now apply turns_once_convex, turns_once_iff.
  - intros x facts f I J. specialize (H _ I). simpl in H. rewrite Bool.andb_true_iff, forallb_forall in H.
    destruct H as (X & F). split; [now apply inside_b_inside | apply fact_states, F, J].
Qed.
