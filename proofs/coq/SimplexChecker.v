(** The checker of version 2 of the format as a function, and its soundness. Rules are numbered as in the format. *)
From Coq Require Import Lia.
From Cpwl Require Export SimplexTiling Checker.

(** Points by their coordinates; regions are lists of simplices, which are lists of places in the table of points. *)
Record solid := Solid {
  dimension : nat;
  solid_net : network;
  halfspaces : list form;
  points : list (list Q);
  parts : list (list (list nat))
}.

Definition place_of (l : list Q) : place := fun k => nth k l 0.
Definition point_at (c : solid) (i : nat) : place := place_of (nth i (points c) []).

(** ** Barycentric coordinates, by elimination: proposed here, and tested by [proper_b] *)
Fixpoint pivot (rows : list (list Q)) : option (list Q * list (list Q)) :=
  match rows with
  | [] => None
  | row :: rows' =>
    if zero (hd 0 row) then
      match pivot rows' with
      | Some (found, others) => Some (found, row :: others)
      | None => None
      end
    else Some (row, rows')
  end.

Definition without_first (first row : list Q) : list Q :=
  map (fun e => Qred (fst e - hd 0 row * snd e)) (combine (tl row) first).

Fixpoint eliminated (n : nat) (ready rest : list (list Q)) : list (list Q) :=
  match n with
  | O => ready
  | S n' =>
    match pivot rest with
    | None => []
    | Some (row, others) =>
      let first := map (fun x => Qred (x / hd 0 row)) (tl row) in
      eliminated n' (map (without_first first) ready ++ [first]) (map (without_first first) others)
    end
  end.

Definition unit_row (n i : nat) : list Q := map (fun j => if Nat.eqb i j then 1 else 0) (seq 0 n).

(** For each corner the form that is 1 there and 0 at the others. *)
Definition coordinates_of (d : nat) (corners : list place) : list form :=
  let n := S d in
  let start := map (fun e => map (fst e) (seq 0 d) ++ 1 :: unit_row n (snd e)) (combine corners (seq 0 n)) in
  let columns := eliminated n [] start in
  map (fun i => Form (map (fun row => nth i row 0) (firstn d columns)) (nth i (nth d columns []) 0)) (seq 0 n).

(** A simplex with the numbers of its corners in place of the corners. *)
Definition entry := list (form * nat).
Definition entry_of (c : solid) (row : list nat) : entry :=
  combine (coordinates_of (dimension c) (map (point_at c) row)) row.
Definition entries (c : solid) : list (list entry) := map (map (entry_of c)) (parts c).
Definition simplex_of (c : solid) (e : entry) : simplex := map (fun lv => (fst lv, point_at c (snd lv))) e.
Definition cells (c : solid) : list region := map (map (simplex_of c)) (entries c).

(** ** The rules *)
Fixpoint splits {A} (l : list A) : list (list A * A * list A) :=
  match l with
  | [] => []
  | a :: l' => ([], a, l') :: map (fun s => (a :: fst (fst s), snd (fst s), snd s)) (splits l')
  end.

(** Two forms agree in what counts of them. *)
Definition same_form (d : nat) (g h : form) : bool :=
  forallb (fun k => Qeq_bool (nth k (slopes g) 0) (nth k (slopes h) 0)) (seq 0 d) && Qeq_bool (shift g) (shift h).

Fixpoint total_form (weight : place -> Q) (s : simplex) : form :=
  match s with
  | [] => level 0
  | (l, v) :: s' => Simplices.sum (scaled (weight v) l) (total_form weight s')
  end.

(** Forms are the barycentric coordinates: 1 and 0 at the corners; they sum to 1, and weigh the corners to the point. *)
Definition proper_b (d : nat) (s : simplex) : bool :=
  match s with [] => false | _ => true end &&
  forallb (fun e => Qeq_bool (height d (fst (snd (fst e))) (snd (snd (fst e)))) 1 &&
    forallb (fun mw => zero (height d (fst (snd (fst e))) (snd mw))) (fst (fst e) ++ snd e)) (splits s) &&
  same_form d (total_form (fun _ => 1) s) (level 1) &&
  forallb (fun k => same_form d (total_form (fun v => v k) s) (axis k)) (seq 0 d).

Definition held_b (c : solid) (x : place) : bool := forallb (fun g => Qle_bool 0 (height (dimension c) g x)) (halfspaces c).
Definition varies (d : nat) (g : form) : bool := existsb (fun k => negb (zero (nth k (slopes g) 0))) (seq 0 d).

Definition same_row (a b : list nat) : bool := if list_eq_dec Nat.eq_dec a b then true else false.

(** On which sides of a facet the simplices that have it lie: the coordinate of the corner left out, at theirs. *)
Definition beside (c : solid) (all : list entry) (l : form) (facet : list nat) : list Q :=
  flat_map (fun r => flat_map (fun e =>
    if same_row facet (map snd (fst (fst e) ++ snd e)) then [height (dimension c) l (point_at c (snd (snd (fst e))))] else [])
    (splits r)) all.

Definition along_halfspace (c : solid) (facet : list nat) : bool :=
  existsb (fun g => forallb (fun i => zero (height (dimension c) g (point_at c i))) facet) (halfspaces c).

(** As many simplices on one side of the facet as on the other, or the facet lies along a side of the domain. *)
Definition facet_met (c : solid) (all : list entry) (e : list (form * nat) * (form * nat) * list (form * nat)) : bool :=
  let facet := map snd (fst (fst e) ++ snd e) in
  let sides := beside c all (fst (snd (fst e))) facet in
  Nat.eqb (length (filter positive sides)) (length (filter (fun x => positive (- x)) sides)) || along_halfspace c facet.

Definition inside_entry (c : solid) (x : place) (e : entry) : bool :=
  forallb (fun lv => Qle_bool 0 (height (dimension c) (fst lv) x)) e.

Definition covered_once (c : solid) (all : list entry) : bool :=
  match all with
  | [] => true
  | e :: others => negb (existsb (inside_entry c (centroid (simplex_of c e))) others)
  end.

Definition numbered (c : solid) (i : nat) : bool := Nat.ltb i (length (points c)).

Definition solid_rules (c : solid) : list (nat * bool) :=
  let all := concat (entries c) in
  let patterns := map (fun r => pattern_on (dimension c) (solid_net c) (corners r)) (cells c) in
  [(0, forallb (forallb (fun row => Nat.eqb (length row) (S (dimension c)) && forallb (numbered c) row)) (parts c));
   (3, forallb (fun p => held_b c (place_of p)) (points c));
   (8, forallb (fun p => match p with Some _ => true | None => false end) patterns);
   (9, distinct pattern_same patterns);
   (21, forallb (varies (dimension c)) (halfspaces c));
   (22, forallb (fun e => proper_b (dimension c) (simplex_of c e)) all);
   (23, forallb (fun e => forallb (facet_met c all) (splits e)) all);
   (24, match parts c with [] => false | _ => forallb (fun r => match r with [] => false | _ => true end) (parts c) end);
   (25, covered_once c all)]%nat.

Definition solid_broken (c : solid) : list nat := map fst (filter (fun rule => negb (snd rule)) (solid_rules c)).

Definition solid_value (c : solid) (x : place) (i : nat) : Q := output_at (dimension c) (solid_net c) x i.
Definition solid_table (c : solid) (f : place -> bool) : bool := forallb (fun p => f (place_of p)) (points c).

Definition solid_at (c : solid) (i vertex : nat) (value : Q) : bool :=
  numbered c vertex && Qeq_bool (solid_value c (point_at c vertex) i) value.

Definition solid_supported (c : solid) (k : claim) : bool :=
  match k with
  | RegionCount n => Nat.eqb n (length (parts c))
  | Largest i value vertex => solid_at c i vertex value && solid_table c (fun v => Qle_bool (solid_value c v i) value)
  | Smallest i value vertex => solid_at c i vertex value && solid_table c (fun v => Qle_bool value (solid_value c v i))
  | Decision i others => solid_table c (fun v => forallb (fun j => positive (solid_value c v i - solid_value c v j)) others)
  | Equality pairs => solid_table c (fun v => forallb (fun e => Qeq_bool (solid_value c v (fst e)) (solid_value c v (snd e))) pairs)
  end.

Definition accepts_solid (c : solid) (k : claim) : bool :=
  match solid_broken c with [] => solid_supported c k | _ => false end.

(** ** What is claimed *)
Definition solid_holds (c : solid) (k : claim) : Prop :=
  let within x := held (dimension c) (halfspaces c) x in
  match k with
  | RegionCount n => length (cells c) = n
  | Largest i value _ => (forall x, within x -> solid_value c x i <= value) /\ exists x, within x /\ solid_value c x i == value
  | Smallest i value _ => (forall x, within x -> value <= solid_value c x i) /\ exists x, within x /\ solid_value c x i == value
  | Decision i others => forall x j, within x -> In j others -> solid_value c x j < solid_value c x i
  | Equality pairs => forall x i j, within x -> In (i, j) pairs -> solid_value c x i == solid_value c x j
  end.

(** ** The rules are what they say *)
Lemma splits_iff {A} (l : list A) : forall l1 a l2, In (l1, a, l2) (splits l) <-> l = l1 ++ a :: l2.
Proof.
  induction l as [|b l IH]; intros l1 a l2; simpl.
  - split; [intros [] | destruct l1; discriminate].
  - split.
    + intros [[= <- <- <-]|H]; [reflexivity|]. apply in_map_iff in H. destruct H as (((m1, m), m2) & [= <- <- <-] & H).
      apply IH in H. simpl. now f_equal.
    + destruct l1 as [|b' l1]; simpl; intros [= <- H]; [left; now rewrite H | right]. subst l.
      apply in_map_iff. exists (l1, a, l2). split; [reflexivity | now apply IH].
Qed.

Lemma dot_same d : forall a b n x, (forall k, (k < d)%nat -> nth k a 0 == nth k b 0) ->
  dot (firstn d a) n x == dot (firstn d b) n x.
Proof.
  induction d as [|d IH]; intros a b n x H; [reflexivity|].
  assert (H0 := H 0%nat ltac:(lia)).
  assert (T : forall a' b', (forall k, (k < d)%nat -> nth k a' 0 == nth k b' 0) -> dot (firstn d a') (S n) x == dot (firstn d b') (S n) x) by (intros; now apply IH).
  destruct a as [|y a], b as [|z b]; simpl in *; [reflexivity | | |].
  - rewrite <- H0, <- (T [] b); [rewrite firstn_nil; simpl; ring|]. intros k K. specialize (H (S k) ltac:(lia)). simpl in H. destruct k; exact H.
  - rewrite H0, (T a []); [rewrite firstn_nil; simpl; ring|]. intros k K. specialize (H (S k) ltac:(lia)). simpl in H. destruct k; exact H.
  - rewrite H0, (T a b); [ring|]. intros k K. exact (H (S k) ltac:(lia)).
Qed.

Lemma same_form_height d g h x : same_form d g h = true -> height d g x == height d h x.
Proof.
  unfold same_form. rewrite Bool.andb_true_iff, forallb_forall, Qeq_bool_iff. intros (A & B). unfold height. rewrite B.
  rewrite (dot_same d (slopes g) (slopes h)); [reflexivity|]. intros k K. apply Qeq_bool_iff, A, in_seq. lia.
Qed.

Fixpoint spread (d : nat) (s : simplex) (f : place -> Q) (x : place) : Q :=
  match s with
  | [] => 0
  | (l, v) :: s' => height d l x * f v + spread d s' f x
  end.

Lemma spread_linear d s a f g x : spread d s (fun v => a * f v + g v) x == a * spread d s f x + spread d s g x.
Proof. induction s as [|(l, v) s IH]; simpl; [ring | rewrite IH; ring]. Qed.

Lemma spread_same d s f g x : (forall v, f v == g v) -> spread d s f x == spread d s g x.
Proof. intros H. induction s as [|(l, v) s IH]; simpl; [reflexivity | rewrite IH, H; reflexivity]. Qed.

Lemma weighed_spread d s g x : weighed d s g x == spread d s (height d g) x.
Proof. induction s as [|(l, v) s IH]; simpl; [reflexivity | rewrite IH; reflexivity]. Qed.

Lemma total_spread d weight s x : height d (total_form weight s) x == spread d s weight x.
Proof.
  induction s as [|(l, v) s IH]; simpl; [apply height_level|]. rewrite height_sum, height_scaled, IH. ring.
Qed.

Lemma proper_b_proper d s : proper_b d s = true -> proper d s.
Proof.
  unfold proper_b. rewrite !Bool.andb_true_iff, !forallb_forall. intros (((SOME & COORD) & ONE) & AXES). constructor.
  - intros ->. discriminate.
  - intros s1 l v s2 E. specialize (COORD (s1, (l, v), s2) (proj2 (splits_iff s s1 (l, v) s2) E)). simpl in COORD.
    rewrite Bool.andb_true_iff, Qeq_bool_iff, forallb_forall in COORD. destruct COORD as (A & B). split; [exact A|].
    intros m w I. apply Qeq_bool_iff, (B (m, w) I).
  - intros g x. rewrite weighed_spread. unfold height at 1 2. fold (height d).
    assert (U : spread d s (fun _ => 1) x == 1).
    { rewrite <- total_spread, (same_form_height d _ _ x ONE), height_level. reflexivity. }
    assert (K : forall k, (k < d)%nat -> spread d s (fun v => v k) x == x k).
    { intros k L. rewrite <- total_spread, (same_form_height d _ (axis k)), height_axis by (exact L || apply AXES, in_seq; lia). reflexivity. }
    assert (D : forall a n, (n + length a <= d)%nat -> spread d s (fun v => dot a n v) x == dot a n x).
    { induction a as [|y a IH]; intros n L; simpl.
      - rewrite (spread_same d s _ (fun _ => 0 * 0 + 0)) by (intros; ring). rewrite (spread_linear d s 0 (fun _ => 0) (fun _ => 0)).
        assert (Z : spread d s (fun _ => 0) x == 0) by (clear; induction s as [|(l, v) s IH]; simpl; [reflexivity | rewrite IH; ring]).
        rewrite Z. ring.
      - simpl in L. rewrite (spread_linear d s y (fun v => v n) (fun v => dot a (S n) v)), K, IH by lia. reflexivity. }
    rewrite (spread_same d s _ (fun v => shift g * 1 + dot (firstn d (slopes g)) 0 v)) by (intros; unfold height; ring).
    rewrite (spread_linear d s (shift g) (fun _ => 1)), U, D by (rewrite firstn_length; lia). unfold height. ring.
Qed.

Lemma varies_varies d g : varies d g = true -> exists a b, ~ height d g a == height d g b.
Proof.
  unfold varies. intros H. apply existsb_exists in H. destruct H as (k & K & N). apply in_seq in K.
  apply Bool.negb_true_iff, Qeq_bool_neq in N.
  exists (fun j => if Nat.eqb j k then 1 else 0), (fun _ => 0). unfold height. intros E.
  assert (Z : forall a n, dot a n (fun _ => 0) == 0) by (induction a as [|y a IH]; intros n; simpl; [reflexivity | rewrite IH; ring]).
  assert (P : forall a n, (n <= k)%nat -> dot a n (fun j => if Nat.eqb j k then 1 else 0) == nth (k - n) a 0).
  { assert (Q : forall a n, (k < n)%nat -> dot a n (fun j => if Nat.eqb j k then 1 else 0) == 0).
    { induction a as [|y a IH]; intros n L; simpl; [reflexivity|]. rewrite IH by lia.
      destruct (Nat.eqb_spec n k); [lia | ring]. }
    induction a as [|y a IH]; intros n L; simpl; [destruct (k - n)%nat; reflexivity|].
    destruct (Nat.eqb_spec n k) as [->|F].
    - rewrite Nat.sub_diag, Q by lia. ring.
    - rewrite IH by lia. replace (k - n)%nat with (S (k - S n)) by lia. ring. }
  rewrite Z, P in E by lia. rewrite Nat.sub_0_r in E. apply N.
  assert (F : nth k (firstn d (slopes g)) 0 = nth k (slopes g) 0).
  { assert (KD : (k < d)%nat) by lia. revert KD. generalize (slopes g) as a. clear. revert k.
    induction d as [|d IH]; intros k a L; [lia|]. destruct a as [|y a]; [reflexivity|]. destruct k; simpl; [reflexivity | apply IH; lia]. }
  rewrite F in E. lra.
Qed.

(** ** Soundness *)
Section SolidSound.
Variable c : solid.
Hypothesis accepted : solid_broken c = [].
Notation d := (dimension c).

Lemma solid_unbroken rule : In rule (solid_rules c) -> snd rule = true.
Proof.
  intros I. destruct (snd rule) eqn:E; [reflexivity|].
  assert (K : In rule (filter (fun rule => negb (snd rule)) (solid_rules c))) by (apply filter_In; rewrite E; auto).
  apply (in_map fst) in K. unfold solid_broken in accepted. rewrite accepted in K. destruct K.
Qed.

(** What is used of the rules: all but rule 25. *)
Lemma solid_obeys :
  forallb (forallb (fun row => Nat.eqb (length row) (S d) && forallb (numbered c) row)) (parts c) = true /\
  forallb (fun p => held_b c (place_of p)) (points c) = true /\
  forallb (fun p => match p with Some _ => true | None => false end)
    (map (fun r => pattern_on d (solid_net c) (corners r)) (cells c)) = true /\
  distinct pattern_same (map (fun r => pattern_on d (solid_net c) (corners r)) (cells c)) = true /\
  forallb (varies d) (halfspaces c) = true /\
  forallb (fun e => proper_b d (simplex_of c e)) (concat (entries c)) = true /\
  forallb (fun e => forallb (facet_met c (concat (entries c))) (splits e)) (concat (entries c)) = true /\
  match parts c with [] => false | _ => forallb (fun r => match r with [] => false | _ => true end) (parts c) end = true.
Proof.
  assert (U := solid_unbroken).
  repeat split;
  [apply (U (0%nat, _)) | apply (U (3%nat, _)) | apply (U (8%nat, _)) | apply (U (9%nat, _)) | apply (U (21%nat, _))
  | apply (U (22%nat, _)) | apply (U (23%nat, _)) | apply (U (24%nat, _))];
  unfold solid_rules; repeat (first [left; reflexivity | right]).
Qed.

Lemma entry_listed e : In e (concat (entries c)) -> exists region row, In region (parts c) /\ In row region /\ e = entry_of c row.
Proof.
  intros I. apply in_concat in I. destruct I as (es & S & I). unfold entries in S. apply in_map_iff in S.
  destruct S as (region & <- & R). apply in_map_iff in I. destruct I as (row & <- & W). eauto.
Qed.

Lemma cell_entry s : In s (concat (cells c)) <-> exists e, In e (concat (entries c)) /\ s = simplex_of c e.
Proof.
  unfold cells. rewrite <- concat_map, in_map_iff. split; intros (e & A & B); exists e; auto.
Qed.

Lemma numbered_corner e i : In e (concat (entries c)) -> In i (map snd e) -> (i < length (points c))%nat.
Proof.
  destruct solid_obeys as (U & _ & _ & _ & _ & _ & _ & _). revert U. rewrite forallb_forall. intros H E I. destruct (entry_listed e E) as (region & row & R & W & ->).
  specialize (H region R). rewrite forallb_forall in H. specialize (H row W). rewrite Bool.andb_true_iff, forallb_forall in H.
  destruct H as (_ & H). apply Nat.ltb_lt, H. apply in_map_iff in I. destruct I as ((l, j) & <- & I).
  unfold entry_of in I. now apply in_combine_r in I.
Qed.

Lemma point_held i : (i < length (points c))%nat -> held d (halfspaces c) (point_at c i).
Proof.
  destruct solid_obeys as (_ & U & _ & _ & _ & _ & _ & _). revert U. rewrite forallb_forall. intros H L g G. specialize (H _ (nth_In (points c) [] L)). unfold held_b in H.
  rewrite forallb_forall in H. apply Qle_bool_iff, H, G.
Qed.

Lemma corner_point r v : In r (cells c) -> In v (corners r) -> exists i, (i < length (points c))%nat /\ v = point_at c i.
Proof.
  intros R V. unfold cells in R. apply in_map_iff in R. destruct R as (es & <- & S).
  apply in_flat_map in V. destruct V as (s & I & V). apply in_map_iff in I. destruct I as (e & <- & E).
  unfold simplex_of in V. rewrite map_map in V. apply in_map_iff in V. destruct V as ((l, i) & <- & J).
  exists i. split; [|reflexivity]. apply (numbered_corner e); [apply in_concat; eauto | apply in_map_iff; exists (l, i); auto].
Qed.

Lemma beside_in all l facet x : In x (beside c all l facet) <->
  exists r r1 m j r2, In r all /\ r = r1 ++ (m, j) :: r2 /\ facet = map snd (r1 ++ r2) /\ x = height d l (point_at c j).
Proof.
  unfold beside. rewrite in_flat_map. split.
  - intros (r & R & I). apply in_flat_map in I. destruct I as (((r1, (m, j)), r2) & S & I). cbn [fst snd] in I.
    unfold same_row in I. destruct (list_eq_dec _ _ _) as [E|]; [|destruct I]. destruct I as [<-|[]].
    apply splits_iff in S. exists r, r1, m, j, r2. auto.
  - intros (r & r1 & m & j & r2 & R & S & E & ->). exists r. split; [exact R|]. apply in_flat_map.
    exists (r1, (m, j), r2). split; [now apply splits_iff|]. cbn [fst snd]. unfold same_row.
    destruct (list_eq_dec _ _ _); [now left | contradiction].
Qed.

Lemma solid_tiling : simplex_tiling d (solid_net c) (halfspaces c) (cells c).
Proof.
  assert (PROPER : forall e, In e (concat (entries c)) -> proper d (simplex_of c e)).
  { destruct solid_obeys as (_ & _ & _ & _ & _ & U & _ & _). revert U. rewrite forallb_forall. intros H e E. now apply proper_b_proper, H. }
  constructor.
  - destruct solid_obeys as (_ & _ & _ & _ & U & _ & _ & _). revert U. rewrite forallb_forall. intros H g G. now apply varies_varies, H.
  - intros r s R S. assert (I : In s (concat (cells c))) by (apply in_concat; eauto).
    apply cell_entry in I. destruct I as (e & E & ->). now apply PROPER.
  - intros r v R V. destruct (corner_point r v R V) as (i & L & ->). now apply point_held.
  - destruct solid_obeys as (_ & _ & _ & _ & _ & _ & _ & U). revert U. unfold cells, entries. destruct (parts c); [discriminate | intros _; discriminate].
  - destruct solid_obeys as (_ & _ & _ & _ & _ & _ & _ & U). revert U. intros H r R. unfold cells, entries in R. rewrite map_map in R. apply in_map_iff in R.
    destruct R as (region & <- & R). destruct (parts c) as [|p ps]; [discriminate|].
    rewrite forallb_forall in H. specialize (H region R). destruct region; [discriminate | intros E; discriminate].
  - destruct solid_obeys as (_ & _ & _ & _ & _ & _ & U & _). revert U. rewrite forallb_forall. intros H s1 l v s2 I. apply cell_entry in I. destruct I as (e & E & EQ).
    unfold simplex_of in EQ. symmetry in EQ. apply map_eq_app in EQ. destruct EQ as (e1 & e2' & -> & <- & EQ).
    destruct e2' as [|(l0, i) e2]; [discriminate|]. injection EQ as -> <- <-.
    specialize (H _ E). rewrite forallb_forall in H. specialize (H (e1, (l, i), e2) (proj2 (splits_iff _ e1 (l, i) e2) eq_refl)).
    unfold facet_met in H. cbn [fst snd] in H. rewrite Bool.orb_true_iff in H. unfold facet_matched. rewrite <- map_app.
    assert (NAMES : forall es, map snd (map (fun lv : form * nat => (fst lv, point_at c (snd lv))) es) = map (point_at c) (map snd es)).
    { intros es. rewrite !map_map. reflexivity. }
    destruct H as [H|H].
    + left. apply Nat.eqb_eq in H. set (sides := beside c (concat (entries c)) l (map snd (e1 ++ e2))) in *.
      assert (OWN : In (height d l (point_at c i)) (filter positive sides)).
      { apply filter_In. split.
        - apply beside_in. exists (e1 ++ (l, i) :: e2), e1, l, i, e2. auto.
        - apply positive_iff. assert (P := PROPER _ E).
          destruct (coordinate (simplex_of c (e1 ++ (l, i) :: e2)) P (simplex_of c e1) l (point_at c i) (simplex_of c e2)) as (ONE & _).
          { unfold simplex_of. rewrite map_app. reflexivity. }
          rewrite ONE. lra. }
      destruct (filter (fun x => positive (- x)) sides) as [|x others] eqn:F.
      { simpl in H. destruct (filter positive sides); [destruct OWN | discriminate]. }
      assert (X : In x (filter (fun x => positive (- x)) sides)) by (rewrite F; now left).
      apply filter_In in X. destruct X as (X & N). apply positive_iff in N. apply beside_in in X.
      destruct X as (r & r1 & m & j & r2 & R & -> & SAME & ->).
      exists (simplex_of c r1), m, (point_at c j), (simplex_of c r2). split; [|split].
      * apply cell_entry. exists (r1 ++ (m, j) :: r2). split; [exact R|]. unfold simplex_of. rewrite map_app. reflexivity.
      * lra.
      * intros w. unfold simplex_of. rewrite <- map_app, !NAMES, SAME. tauto.
    + right. apply existsb_exists in H. destruct H as (g & G & Z). rewrite forallb_forall in Z. exists g. split; [exact G|].
      intros w W. rewrite NAMES in W. apply in_map_iff in W. destruct W as (j & <- & J). apply Qeq_bool_iff, Z, J.
  - destruct solid_obeys as (_ & _ & U & _ & _ & _ & _ & _). revert U. rewrite forallb_forall. intros H r R.
    specialize (H _ (in_map (fun r => pattern_on d (solid_net c) (corners r)) _ _ R)). cbv beta in H.
    destruct (pattern_on d (solid_net c) (corners r)); [eauto | discriminate].
  - destruct solid_obeys as (_ & _ & _ & U & _ & _ & _ & _). revert U. apply distinct_NoDup. intros x y ->. unfold pattern_same. destruct (pattern_dec y y); congruence.
Qed.

Lemma solid_table_at (f : place -> bool) r v : solid_table c f = true -> In r (cells c) -> In v (corners r) -> f v = true.
Proof.
  unfold solid_table. rewrite forallb_forall. intros H R V. destruct (corner_point r v R V) as (i & L & ->).
  apply (H _ (nth_In (points c) [] L)).
Qed.

Lemma solid_taken i vertex value : solid_at c i vertex value = true ->
  exists x, held d (halfspaces c) x /\ solid_value c x i == value.
Proof.
  unfold solid_at. rewrite Bool.andb_true_iff, Qeq_bool_iff. intros (V & E). exists (point_at c vertex).
  split; [|exact E]. apply point_held, Nat.ltb_lt, V.
Qed.

Lemma solid_supported_holds k : solid_supported c k = true -> solid_holds c k.
Proof.
  assert (T := solid_tiling). destruct k as [n|i value vertex|i value vertex|i others|pairs]; simpl.
  - intros H. apply Nat.eqb_eq in H. unfold cells, entries. rewrite !map_length. congruence.
  - rewrite Bool.andb_true_iff. intros (V & H). split; [|now apply (solid_taken i vertex)].
    apply (simplices_at_most _ _ _ _ T). intros r v R W. apply Qle_bool_iff, (solid_table_at _ r v H R W).
  - rewrite Bool.andb_true_iff. intros (V & H). split; [|now apply (solid_taken i vertex)].
    apply (simplices_at_least _ _ _ _ T). intros r v R W. apply Qle_bool_iff, (solid_table_at _ r v H R W).
  - intros H x j X J. apply (simplices_always_larger _ _ _ _ T); [|exact X]. intros r v R W.
    assert (K := solid_table_at _ r v H R W). cbv beta in K. rewrite forallb_forall in K.
    specialize (K j J). apply positive_iff in K. unfold solid_value in K. lra.
  - intros H x i j X J. apply (simplices_always_equal _ _ _ _ T); [|exact X]. intros r v R W.
    assert (K := solid_table_at _ r v H R W). cbv beta in K. rewrite forallb_forall in K.
    specialize (K (i, j) J). now apply Qeq_bool_iff in K.
Qed.
End SolidSound.

(** What the checker accepts is true. *)
Theorem solid_sound c k : accepts_solid c k = true ->
  is_partition_of (dimension c) (solid_net c) (halfspaces c) (cells c) /\ solid_holds c k.
Proof.
  unfold accepts_solid. destruct (solid_broken c) eqn:B; [|discriminate]. intros S. split.
  - apply simplices_are_partition, solid_tiling, B.
  - now apply solid_supported_holds.
Qed.

(** ** Claims about points *)
Definition accepts_places (d : nat) (net : network) (domain : list form) (sample : list (list Q * list fact)) : bool :=
  forallb (varies d) domain &&
  forallb (fun s => forallb (fun g => Qle_bool 0 (height d g (place_of (fst s)))) domain &&
    forallb (fact_b (output_at d net (place_of (fst s)))) (snd s)) sample.

Theorem places_sound d net domain sample : accepts_places d net domain sample = true ->
  forall x facts f, In (x, facts) sample -> In f facts -> held d domain (place_of x) /\ states (output_at d net (place_of x)) f.
Proof.
  unfold accepts_places. rewrite Bool.andb_true_iff, !forallb_forall. intros (_ & H) x facts f I J.
  specialize (H _ I). simpl in H. rewrite Bool.andb_true_iff, !forallb_forall in H. destruct H as (X & F). split.
  - intros g G. apply Qle_bool_iff, X, G.
  - apply fact_states, F, J.
Qed.
