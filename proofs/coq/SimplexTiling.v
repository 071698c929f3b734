(** Regions cut into simplices that match, with different canonical patterns, are exactly the partition: Theorem 6 of
    proofs/, in every dimension. Networks, values and canonical pieces are those of [Network]; only the affine functions
    are functions of more coordinates. *)
From Coq Require Import Lia.
From Cpwl Require Export Network Simplices.

Section Dimension.
Variable d : nat.
Notation height := (height d).
Notation proper := (proper d).
Notation inside_simplex := (inside_simplex d).
Notation held := (held d).
Notation weighed := (weighed d).
Notation facet_matched := (facet_matched d).
Notation outside_open := (@outside_open d).
Notation held_dec := (@held_dec d).
Notation held_simplex := (@held_simplex d).

(** * The affine functions that a pattern stands for *)
Definition level (c : Q) : form := Form [] c.
Definition less (g h : form) : form := sum g (scaled (- (1)) h).
Definition chosen (known : list form) (i : nat) : form := nth i known (level 0).

Fixpoint combined_form (known : list form) (terms : list (Q * nat)) (c : Q) : form :=
  match terms with
  | [] => level c
  | (w, i) :: terms' => sum (scaled w (chosen known i)) (combined_form known terms' c)
  end.

Fixpoint hinged_form (h : form) (slope : Q) (pieces : list (Q * Q)) (above : list bool) : form :=
  match pieces, above with
  | (b, next) :: pieces', side :: above' =>
    sum (if side then scaled (next - slope) (less h (level b)) else level 0) (hinged_form h next pieces' above')
  | _, _ => level 0
  end.

Definition form_on_piece (n : node) (k : piece) (known : list form) : form :=
  match n, k with
  | Linear terms c, _ => combined_form known terms c
  | Piecewise first value slope pieces arg, Sides above =>
    let h := chosen known arg in
    sum (sum (level value) (scaled slope (less h (level first)))) (hinged_form h slope pieces above)
  | Maximum _ _, Winner i => chosen known i
  | _, _ => level 0
  end.

Fixpoint forms_on_pieces (net : network) (ks : list piece) (known : list form) : list form :=
  match net, ks with
  | n :: net', k :: ks' => forms_on_pieces net' ks' (known ++ [form_on_piece n k known])
  | _, _ => known
  end.

Lemma height_level c x : height (level c) x == c.
Proof. unfold Simplices.height, level. rewrite firstn_nil. simpl. ring. Qed.

Lemma height_less g h x : height (less g h) x == height g x - height h x.
Proof. unfold less. rewrite height_sum, height_scaled. ring. Qed.

(** On a set of points the numbers known at a point are the given forms. *)
Definition forms_on (R : place -> Prop) (E : place -> list Q) (known : list form) : Prop :=
  forall x, R x -> length (E x) = length known /\ forall i, get (E x) i == height (chosen known i) x.

Lemma forms_on_step R E known n g :
  forms_on R E known -> (forall x, R x -> value n (E x) == height g x) ->
  forms_on R (fun x => step n (E x)) (known ++ [g]).
Proof.
  intros A V x X. destruct (A x X) as (L & H). unfold step. split; [rewrite !app_length, L; reflexivity|].
  intros i. unfold get, chosen in *. destruct (Nat.lt_ge_cases i (length known)) as [B|B].
  - rewrite !app_nth1 by lia. apply H.
  - rewrite !app_nth2 by lia. rewrite L. destruct (i - length known)%nat as [|[|j]]; simpl.
    + apply V, X.
    + rewrite height_level; reflexivity.
    + rewrite height_level; reflexivity.
Qed.

Lemma combination_form env known terms c x : (forall i, get env i == height (chosen known i) x) ->
  combination env terms c == height (combined_form known terms c) x.
Proof.
  intros H. induction terms as [|(w, i) terms IH]; simpl; [rewrite height_level; reflexivity|].
  rewrite Qred_correct, height_sum, height_scaled, H, IH. reflexivity.
Qed.

(** * Cells: sets of points whose corners decide signs *)
Record cell (l : list place) (R : place -> Prop) : Prop := {
  cell_corner : forall v, In v l -> R v;
  cell_hull : forall g, (forall v, In v l -> 0 <= height g v) -> forall x, R x -> 0 <= height g x
}.

Section Cell.
Variables (l : list place) (R : place -> Prop) (E : place -> list Q) (known : list form).
Hypothesis l_cell : cell l R.
Hypothesis forms_here : forms_on R E known.

Lemma known_here i x : R x -> get (E x) i == height (chosen known i) x.
Proof. intros X. apply (forms_here x X). Qed.

Lemma known_at_corner i v : In v l -> get (E v) i == height (chosen known i) v.
Proof. intros V. apply known_here. now apply (cell_corner l R). Qed.

Lemma argument_at h i : In h (argument (map E l) i) <-> exists v, In v l /\ h = get (E v) i.
Proof.
  unfold argument. rewrite map_map, in_map_iff. split; intros (v & A & B); exists v; auto.
Qed.

Lemma at_or_above i b : forallb (fun h => Qle_bool b h) (argument (map E l) i) = true <->
  forall x, R x -> 0 <= height (less (chosen known i) (level b)) x.
Proof.
  rewrite forallb_forall. split.
  - intros H. apply (cell_hull l R l_cell). intros v V. rewrite height_less, height_level, <- known_at_corner by exact V.
    assert (K : Qle_bool b (get (E v) i) = true) by (apply H, argument_at; eauto). apply Qle_bool_iff in K. lra.
  - intros H h I. apply argument_at in I. destruct I as (v & V & ->). apply Qle_bool_iff.
    assert (K := H v (cell_corner l R l_cell v V)). rewrite height_less, height_level, <- known_at_corner in K by exact V. lra.
Qed.

Lemma at_or_below i b : forallb (fun h => Qle_bool h b) (argument (map E l) i) = true <->
  forall x, R x -> 0 <= height (less (level b) (chosen known i)) x.
Proof.
  rewrite forallb_forall. split.
  - intros H. apply (cell_hull l R l_cell). intros v V. rewrite height_less, height_level, <- known_at_corner by exact V.
    assert (K : Qle_bool (get (E v) i) b = true) by (apply H, argument_at; eauto). apply Qle_bool_iff in K. lra.
  - intros H h I. apply argument_at in I. destruct I as (v & V & ->). apply Qle_bool_iff.
    assert (K := H v (cell_corner l R l_cell v V)). rewrite height_less, height_level, <- known_at_corner in K by exact V. lra.
Qed.

Lemma hinges_form i slope pieces above : all_sides (argument (map E l) i) pieces = Some above ->
  forall x, R x -> hinges slope pieces (get (E x) i) == height (hinged_form (chosen known i) slope pieces above) x.
Proof.
  intros H x X. revert slope above H.
  induction pieces as [|(b, next) pieces IH]; simpl; intros slope above; [intros [= <-]; rewrite height_level; reflexivity|].
  unfold one_side. destruct (forallb _ _) eqn:A.
  - destruct (all_sides _ pieces) as [sides|]; [|discriminate]. intros [= <-]. rewrite height_sum, height_scaled, (IH next sides) by reflexivity.
    assert (K := proj1 (at_or_above i b) A x X). rewrite height_less, height_level in *.
    rewrite positive_part_above by (rewrite known_here by exact X; exact K). rewrite known_here by exact X. reflexivity.
  - destruct (forallb (fun h => Qle_bool h b) _) eqn:B; [|discriminate].
    destruct (all_sides _ pieces) as [sides|]; [|discriminate]. intros [= <-]. rewrite height_sum, height_level, (IH next sides) by reflexivity.
    assert (K := proj1 (at_or_below i b) B x X). rewrite height_less, height_level in K.
    rewrite positive_part_below by (rewrite known_here by exact X; lra). ring.
Qed.

Lemma largest_on_cell all i : largest (map E l) all i = true <->
  forall j x, In j all -> R x -> 0 <= height (less (chosen known i) (chosen known j)) x.
Proof.
  rewrite largest_iff. split.
  - intros H j x J. apply (cell_hull l R l_cell). intros v V.
    assert (K := H (E v) j (in_map E l v V) J). rewrite !known_at_corner in K by assumption. rewrite height_less. lra.
  - intros H env j I J. apply in_map_iff in I. destruct I as (v & <- & V).
    assert (K := H j v J (cell_corner l R l_cell v V)). rewrite height_less in K. rewrite !known_at_corner by assumption. lra.
Qed.

Theorem node_form n k : canonical n (map E l) = Some k ->
  forall x, R x -> value n (E x) == height (form_on_piece n k known) x.
Proof.
  intros H x X. destruct n as [terms c|first v slope pieces arg|arg args]; unfold value; rewrite Qred_correct; simpl in *.
  - apply combination_form. intros i. now apply known_here.
  - destruct (all_sides _ pieces) as [above|] eqn:A; [|discriminate]. injection H as <-. unfold piecewise. simpl.
    rewrite !height_sum, height_scaled, height_less, !height_level, (hinges_form _ slope _ _ A x X), known_here by exact X. reflexivity.
  - change (option_map Winner (winner (largest (map E l) (arg :: args)) (arg :: args)) = Some k) in H.
    destruct (winner _ (arg :: args)) as [i|] eqn:W; [|discriminate]. injection H as <-. simpl.
    destruct (winner_wins _ _ _ W) as (L & I). assert (K := proj1 (largest_on_cell _ _) L).
    rewrite <- known_here by exact X. apply Qle_antisym; [|now apply maximum_bound].
    apply maximum_least. intros j J. specialize (K j x J X). rewrite height_less in K. rewrite !known_here by exact X. lra.
Qed.
End Cell.

(** With a pattern on a cell every number of the network is the form that the pattern stands for. *)
Theorem pattern_forms net : forall l R E known ks, cell l R -> forms_on R E known ->
  pattern net (map E l) = Some ks -> forms_on R (fun x => run net (E x)) (forms_on_pieces net ks known).
Proof.
  induction net as [|n net IH]; simpl; intros l R E known ks C A H; [exact A|].
  destruct (canonical n (map E l)) as [k|] eqn:K; [|discriminate]. rewrite map_map in H.
  destruct (pattern net _) as [ks'|] eqn:P; [|discriminate]. injection H as <-.
  apply (IH l R (fun x => step n (E x))); auto.
  apply forms_on_step; [exact A | apply (node_form l R E known C A n k K)].
Qed.

(** * Separation: cells that overlap have one pattern *)
Definition around (R : place -> Prop) (x : place) : Prop := forall y, small (fun s => R (between x y s)).
Definition overlap (R R' : place -> Prop) : Prop := exists x, around R x /\ around R' x.

Lemma overlap_sym R R' : overlap R R' -> overlap R' R.
Proof. intros (x & A & B). exists x. auto. Qed.

Lemma zero_on_both R R' g : overlap R R' -> (forall y, R y -> 0 <= height g y) -> (forall y, R' y -> height g y <= 0) ->
  forall y, height g y == 0.
Proof.
  intros (x & A & B) P N y.
  assert (X : height g x == 0).
  { destruct (small_witness _ (small_and _ _ (A x) (B x))) as (s & _ & _ & U & V). apply P in U. apply N in V.
    rewrite height_between in U, V. assert (s * (height g x - height g x) == 0) by ring. lra. }
  destruct (small_witness _ (small_and _ _ (A y) (B y))) as (s & S & _ & U & V). apply P in U. apply N in V.
  rewrite height_between, X in U, V. assert (Z : s * height g y == 0) by lra. apply Qmult_integral in Z. destruct Z; lra.
Qed.

Lemma equal_on_both R R' g h : overlap R R' -> (forall y, R y -> 0 <= height (less g h) y) ->
  (forall y, R' y -> 0 <= height (less h g) y) -> forall y, height g y == height h y.
Proof.
  intros O P N y. assert (Z : height (less g h) y == 0); [|rewrite height_less in Z; lra].
  apply (zero_on_both R R' _ O P). intros z I. specialize (N z I). rewrite height_less in *. lra.
Qed.

Section Separation.
Variables (l m : list place) (R R' : place -> Prop).
Hypothesis l_cell : cell l R.
Hypothesis m_cell : cell m R'.
Hypothesis overlapping : overlap R R'.
Variables (E : place -> list Q) (known : list form).
Hypothesis forms_l : forms_on R E known.
Hypothesis forms_m : forms_on R' E known.

(** At or above a breakpoint on one cell implies the same on the other. *)
Lemma sides_agree i b : one_side (argument (map E l) i) b = Some true ->
  one_side (argument (map E m) i) b = Some false -> False.
Proof.
  intros S T. apply one_side_is in S, T. destruct S as (A & _), T as (B & C).
  symmetry in A, B. specialize (C eq_refl).
  assert (A' := proj1 (at_or_above l R E known l_cell forms_l i b) A).
  assert (C' := proj1 (at_or_below m R' E known m_cell forms_m i b) C).
  assert (H := equal_on_both R R' _ _ overlapping A' C').
  enough (forallb (fun h => Qle_bool b h) (argument (map E m) i) = true) by congruence.
  apply (at_or_above m R' E known m_cell forms_m). intros y _. rewrite height_less, H. lra.
Qed.

Lemma winners_agree all i j : In i all -> In j all -> largest (map E l) all i = true -> largest (map E m) all j = true ->
  largest (map E l) all j = true.
Proof.
  intros I J A B.
  assert (A' := proj1 (largest_on_cell l R E known l_cell forms_l all i) A).
  assert (B' := proj1 (largest_on_cell m R' E known m_cell forms_m all j) B).
  apply (largest_on_cell l R E known l_cell forms_l). intros k y K Y.
  assert (H := equal_on_both R R' _ _ overlapping (fun y => A' j y J) (fun y => B' i y I) y).
  specialize (A' k y K Y). rewrite height_less in *. lra.
Qed.
End Separation.

Lemma pieces_agree l m R R' E known n p q : cell l R -> cell m R' -> overlap R R' ->
  forms_on R E known -> forms_on R' E known ->
  canonical n (map E l) = Some p -> canonical n (map E m) = Some q -> p = q.
Proof.
  intros CL CM O AL AM. assert (O' := overlap_sym R R' O).
  destruct n as [terms c|first v slope pieces arg|arg args]; cbn [canonical].
  - congruence.
  - assert (S : forall s t, all_sides (argument (map E l) arg) pieces = Some s ->
                            all_sides (argument (map E m) arg) pieces = Some t -> s = t).
    { induction pieces as [|(b, next) pieces IH]; simpl; [congruence|]. intros s t.
      destruct (one_side (argument (map E l) arg) b) as [s0|] eqn:S0; [|discriminate].
      destruct (one_side (argument (map E m) arg) b) as [t0|] eqn:T0; [|discriminate].
      destruct (all_sides _ pieces) as [s'|]; [|discriminate].
      destruct (all_sides _ pieces) as [t'|]; [|discriminate].
      intros [= <-] [= <-]. f_equal; [|now apply IH].
      destruct s0, t0; try reflexivity; exfalso;
      [apply (sides_agree l m R R' CL CM O E known AL AM arg b) | apply (sides_agree m l R' R CM CL O' E known AM AL arg b)]; assumption. }
    destruct (all_sides (argument (map E l) arg) pieces) as [s|]; [|discriminate].
    destruct (all_sides (argument (map E m) arg) pieces) as [t|]; [|discriminate].
    simpl. intros [= <-] [= <-]. f_equal. now apply S.
  - destruct (winner (largest (map E l) (arg :: args)) (arg :: args)) as [i|] eqn:W; [|discriminate].
    destruct (winner (largest (map E m) (arg :: args)) (arg :: args)) as [j|] eqn:V; [|discriminate].
    cbn [option_map]. intros [= <-] [= <-]. f_equal.
    destruct (winner_wins _ _ _ W) as (WI & II). destruct (winner_wins _ _ _ V) as (WJ & JJ).
    enough (Some i = Some j) by congruence. rewrite <- W, <- V. apply winner_ext. intros k K.
    destruct (largest (map E l) (arg :: args) k) eqn:A, (largest (map E m) (arg :: args) k) eqn:B; try reflexivity.
    + rewrite <- B. symmetry. apply (winners_agree m l R' R CM CL O' E known AM AL (arg :: args) j k); assumption.
    + rewrite <- A. apply (winners_agree l m R R' CL CM O E known AL AM (arg :: args) i k); assumption.
Qed.

Theorem cells_separate net : forall l m R R' E known p q, cell l R -> cell m R' -> overlap R R' ->
  forms_on R E known -> forms_on R' E known ->
  pattern net (map E l) = Some p -> pattern net (map E m) = Some q -> p = q.
Proof.
  induction net as [|n net IH]; simpl; intros l m R R' E known p q CL CM O AL AM; [congruence|].
  destruct (canonical n (map E l)) as [k|] eqn:K; [|discriminate].
  destruct (canonical n (map E m)) as [k'|] eqn:K'; [|discriminate].
  assert (k = k') as <- by now apply (pieces_agree l m R R' E known n).
  rewrite !map_map.
  destruct (pattern net (map (fun y => step n (E y)) l)) as [ks|] eqn:P; [|discriminate].
  destruct (pattern net (map (fun y => step n (E y)) m)) as [ks'|] eqn:P'; [|discriminate].
  intros [= <-] [= <-]. f_equal.
  apply (IH l m R R' (fun y => step n (E y)) (known ++ [form_on_piece n k known])); auto.
  - apply forms_on_step; [exact AL | apply (node_form l R E known CL AL n k K)].
  - apply forms_on_step; [exact AM | apply (node_form m R' E known CM AM n k K')].
Qed.

(** * Regions: lists of simplices *)
Definition region := list simplex.
Definition corners (r : region) : list place := flat_map (map snd) r.
Definition in_region (r : region) (x : place) : Prop := exists s, In s r /\ inside_simplex s x.
Definition strictly_inside (s : simplex) (x : place) : Prop := forall l v, In (l, v) s -> 0 < height l x.

Lemma simplex_hull s g x : proper s -> (forall v, In v (map snd s) -> 0 <= height g v) -> inside_simplex s x -> 0 <= height g x.
Proof.
  intros P H X. rewrite (barycentric_sum s P). apply weighed_nonneg. intros l v I.
  apply Qmult_nonneg; [now apply (X l v) | apply H, corner_of; eauto].
Qed.

Lemma corner_inside_simplex s v : proper s -> In v (map snd s) -> inside_simplex s v.
Proof.
  intros P V l w I. destruct (coordinate_at s l v P) as [Z|Z]; [|exact V|rewrite Z; lra|rewrite Z; lra].
  apply in_map_iff. exists (l, w). auto.
Qed.

Lemma simplex_cell s : proper s -> cell (map snd s) (inside_simplex s).
Proof. intros P. constructor; [intros v V; now apply corner_inside_simplex | intros g H x; now apply simplex_hull]. Qed.

Lemma region_cell r : (forall s, In s r -> proper s) -> cell (corners r) (in_region r).
Proof.
  intros P. constructor.
  - intros v V. apply in_flat_map in V. destruct V as (s & S & V). exists s. split; [exact S | apply corner_inside_simplex; auto].
  - intros g H x (s & S & X). apply (simplex_hull s); auto. intros v V. apply H, in_flat_map. eauto.
Qed.

Lemma around_simplex s x : strictly_inside s x -> around (inside_simplex s) x.
Proof.
  intros X y. assert (S : small (fun e => forall lv, In lv s -> 0 <= height (fst lv) (between x y e))).
  { apply small_forall. intros (l, v) I. generalize (small_positive _ (height l y - height l x) (X l v I)).
    apply small_weaken. intros e _ H. simpl. rewrite height_between. lra. }
  revert S. apply small_weaken. intros e _ H l v I. apply (H (l, v) I).
Qed.

Lemma around_region r s x : In s r -> strictly_inside s x -> around (in_region r) x.
Proof.
  intros S X y. generalize (around_simplex s x X y). apply small_weaken. intros e _ H. exists s. auto.
Qed.

Lemma in_region_dec r x : {in_region r x} + {~ in_region r x}.
Proof.
  destruct (Exists_dec (fun s => held (map fst s) x) r (fun s => held_dec (map fst s) x)) as [X|X].
  - left. apply Exists_exists in X. destruct X as (s & S & H). exists s. split; [exact S | now apply held_simplex].
  - right. intros (s & S & H). apply X, Exists_exists. exists s. split; [exact S | now apply held_simplex].
Qed.

(** * The partition *)
Definition start_at (x : place) : list Q := map x (seq 0 d).
Definition axis (k : nat) : form := Form (repeat 0 k ++ [1]) 0.
Definition axes : list form := map axis (seq 0 d).

Lemma height_axis k x : (k < d)%nat -> height (axis k) x == x k.
Proof.
  intros L. unfold Simplices.height, axis. simpl. rewrite firstn_all2 by (rewrite app_length, repeat_length; simpl; lia). clear L. assert (H : forall n, dot (repeat 0 k ++ [1]) n x == x (n + k)%nat).
  { induction k as [|k IH]; intros n; simpl; [rewrite Nat.add_0_r; ring|]. rewrite IH, Nat.add_succ_comm. ring. }
  rewrite H. simpl. ring.
Qed.

Lemma forms_at_start R : forms_on R (start_at) axes.
Proof.
  intros x _. unfold start_at, axes. split; [now rewrite !map_length|]. intros i. unfold get, chosen.
  destruct (Nat.lt_ge_cases i d) as [L|L].
  - rewrite (nth_indep _ 0 (x 0%nat)) by (rewrite map_length, seq_length; exact L).
    rewrite (nth_indep _ (level 0) (axis 0)) by (rewrite map_length, seq_length; exact L).
    rewrite !map_nth, seq_nth by exact L. simpl. rewrite height_axis by exact L. reflexivity.
  - rewrite !nth_overflow by (rewrite map_length, seq_length; exact L). rewrite height_level. reflexivity.
Qed.

Definition pattern_on (net : network) (l : list place) : option (list piece) := pattern net (map (start_at) l).

(** The rules. *)
Record simplex_tiling (net : network) (domain : list form) (regions : list region) : Prop := {
  tiling_sides : forall g, In g domain -> exists a b, ~ height g a == height g b;
  tiling_proper : forall r s, In r regions -> In s r -> proper s;
  tiling_corners : forall r v, In r regions -> In v (corners r) -> held domain v;
  tiling_some : regions <> [];
  tiling_simplices : forall r, In r regions -> r <> [];
  tiling_facets : forall s1 l v s2, In (s1 ++ (l, v) :: s2) (concat regions) -> facet_matched domain (concat regions) s1 l s2;
  tiling_patterns : forall r, In r regions -> exists ks, pattern_on net (corners r) = Some ks;
  tiling_differ : NoDup (map (fun r => pattern_on net (corners r)) regions)
}.

(** What is to be shown. *)
Record is_partition_of (net : network) (domain : list form) (regions : list region) : Prop := {
  parts_within : forall r x, In r regions -> in_region r x -> held domain x;
  parts_cover : forall x, held domain x -> exists r, In r regions /\ in_region r x;
  parts_apart : forall i j r q s s' x, nth_error regions i = Some r -> nth_error regions j = Some q ->
    In s r -> In s' q -> strictly_inside s x -> strictly_inside s' x -> i = j;
  parts_affine : forall r, In r regions -> exists gs, forall x, in_region r x ->
    length (run net (start_at x)) = length gs /\ forall i, get (run net (start_at x)) i == height (chosen gs i) x;
  parts_largest : forall c ks, proper c -> (forall v, In v (map snd c) -> held domain v) ->
    pattern_on net (map snd c) = Some ks ->
    exists i r, nth_error regions i = Some r /\ (forall x, inside_simplex c x -> in_region r x) /\
    forall j q, nth_error regions j = Some q -> (forall x, inside_simplex c x -> in_region q x) -> j = i
}.

Section SimplexPartition.
Variables (net : network) (domain : list form) (regions : list region).
Hypothesis T : simplex_tiling net domain regions.

Lemma listed_proper s : In s (concat regions) -> proper s.
Proof. intros S. apply in_concat in S. destruct S as (r & R & S). apply (tiling_proper _ _ _ T r s R S). Qed.

Lemma regions_cover x : held domain x -> exists r, In r regions /\ in_region r x.
Proof.
  intros X. destruct (@simplices_cover d domain (concat regions)) with (p := x) as (s & S & I).
  - apply (tiling_sides _ _ _ T).
  - apply listed_proper.
  - intros s v S V. apply in_concat in S. destruct S as (r & R & S). apply (tiling_corners _ _ _ T r v R).
    apply in_flat_map. eauto.
  - intros E. destruct regions as [|r rest] eqn:EQ; [now apply (tiling_some _ _ _ T)|].
    assert (N := tiling_simplices _ _ _ T r (or_introl eq_refl)). simpl in E. apply app_eq_nil in E. tauto.
  - apply (tiling_facets _ _ _ T).
  - exact X.
  - apply in_concat in S. destruct S as (r & R & S). exists r. split; [exact R|]. exists s. auto.
Qed.

Lemma region_is_cell r : In r regions -> cell (corners r) (in_region r).
Proof. intros R. apply region_cell. intros s. now apply (tiling_proper _ _ _ T). Qed.

Lemma same_place i j r q : nth_error regions i = Some r -> nth_error regions j = Some q ->
  pattern_on net (corners r) = pattern_on net (corners q) -> i = j.
Proof.
  intros I J E. apply (proj1 (NoDup_nth_error _) (tiling_differ _ _ _ T)).
  - rewrite map_length. apply nth_error_Some. congruence.
  - rewrite !nth_error_map, I, J. simpl. now f_equal.
Qed.

Lemma overlap_pattern r l R ks : In r regions -> cell l R -> overlap (in_region r) R ->
  pattern_on net l = Some ks -> pattern_on net (corners r) = Some ks.
Proof.
  intros I C O K. destruct (tiling_patterns _ _ _ T r I) as (ks' & K'). rewrite K'. f_equal.
  apply (cells_separate net (corners r) l (in_region r) R (start_at) axes); auto using region_is_cell, forms_at_start.
Qed.

(** The forms that vanish on facets. *)
Definition facet_forms : list form := flat_map (map fst) (concat regions).

Lemma facet_forms_vary g : In g facet_forms -> exists q, ~ height g q == 0.
Proof.
  intros G. apply in_flat_map in G. destruct G as (s & S & G). apply in_map_iff in G. destruct G as ((l, v) & <- & I).
  exists v. simpl. destruct (in_split _ _ I) as (s1 & s2 & E).
  destruct (coordinate s (listed_proper s S) s1 l v s2 E) as (ONE & _). rewrite ONE. lra.
Qed.

Lemma strict_off_facets r x : In r regions -> in_region r x -> (forall g, In g facet_forms -> ~ height g x == 0) ->
  exists s, In s r /\ strictly_inside s x.
Proof.
  intros R (s & S & I) O. exists s. split; [exact S|]. intros l v J. specialize (I l v J).
  assert (~ height l x == 0); [|lra]. apply O, in_flat_map. exists s. split; [apply in_concat; eauto|].
  apply in_map_iff. exists (l, v). auto.
Qed.

(** A point strictly inside a simplex with a pattern, where some forms are positive, and the region that it lies in. *)
Lemma general_region c ks z open : proper c -> (forall v, In v (map snd c) -> held domain v) ->
  pattern_on net (map snd c) = Some ks -> strictly_inside c z -> (forall h, In h open -> 0 < height h z) ->
  exists y r s, (forall h, In h open -> 0 < height h y) /\ inside_simplex c y /\
    (forall g, In g facet_forms -> ~ height g y == 0) /\ strictly_inside c y /\
    In r regions /\ In s r /\ strictly_inside s y /\ pattern_on net (corners r) = Some ks.
Proof.
  intros P V K Z O.
  destruct (@general_point d (open ++ map fst c) facet_forms z) as (y & YP & YN).
  { intros h H. apply in_app_iff in H. destruct H as [H|H]; [auto|]. apply in_map_iff in H. destruct H as ((l, v) & <- & I). apply (Z l v I). }
  { exact facet_forms_vary. }
  assert (YC : strictly_inside c y).
  { intros l v I. apply YP, in_app_iff. right. apply in_map_iff. exists (l, v). auto. }
  assert (YI : inside_simplex c y) by (intros l v I; now apply Qlt_le_weak, (YC l v)).
  assert (YD : held domain y) by (intros g G; apply (simplex_hull c); auto; intros v W; now apply (V v W)).
  destruct (regions_cover y YD) as (r & R & I). destruct (strict_off_facets r y R I YN) as (s & S & YS).
  exists y, r, s. repeat split; auto.
  - intros h H. apply YP, in_app_iff. auto.
  - apply (overlap_pattern r (map snd c) (inside_simplex c)); auto using simplex_cell.
    exists y. split; [now apply (around_region r s) | now apply around_simplex].
Qed.

Lemma region_largest c ks : proper c -> (forall v, In v (map snd c) -> held domain v) -> pattern_on net (map snd c) = Some ks ->
  exists i r, nth_error regions i = Some r /\ (forall x, inside_simplex c x -> in_region r x) /\
  forall j q, nth_error regions j = Some q -> (forall x, inside_simplex c x -> in_region q x) -> j = i.
Proof.
  intros P V K.
  destruct (general_region c ks (centroid c) [] P V K (@centroid_inside d c P)) as (z & r & s & _ & ZI & ZN & ZC & R & S & ZS & KR).
  { intros h []. }
  destruct (In_nth_error _ _ R) as (i & NI). exists i, r. split; [exact NI|]. split.
  - intros x X. destruct (in_region_dec r x) as [|N]; [assumption | exfalso].
    destruct (outside_open r x) as (open & OP & OUT). { intros s' S' J. apply N. exists s'. auto. }
    assert (NEAR : small (fun e => forall h, In h open -> 0 < height h (between x z e))).
    { apply small_forall. intros h H. generalize (small_positive _ (height h z - height h x) (OP h H)). apply small_weaken.
      intros e _ E. rewrite height_between. exact E. }
    destruct (small_witness _ NEAR) as (e & E0 & E1 & NEAR').
    destruct (general_region c ks (between x z e) open P V K) as (y & q & s' & YO & _ & _ & _ & Q & S' & YS & KQ); [|exact NEAR'|].
    { intros l v I. rewrite height_between. specialize (X l v I). specialize (ZC l v I). nra. }
    destruct (In_nth_error _ _ Q) as (j & NJ).
    assert (i = j) as -> by (apply (same_place i j r q NI NJ); congruence). assert (q = r) as -> by congruence.
    apply (OUT y YO s' S'). intros l v I. apply Qlt_le_weak, (YS l v I).
  - intros j q NJ SUB. assert (Q := nth_error_In _ _ NJ).
    destruct (strict_off_facets q z Q (SUB z ZI) ZN) as (s' & S' & ZS').
    apply (same_place j i q r NJ NI). rewrite KR. apply (overlap_pattern q (map snd c) (inside_simplex c)); auto using simplex_cell.
    exists z. split; [now apply (around_region q s') | now apply around_simplex].
Qed.

Theorem simplices_are_partition : is_partition_of net domain regions.
Proof.
  constructor.
  - intros r x R (s & S & X) g G. apply (simplex_hull s g x); [apply (tiling_proper _ _ _ T r s R S)| |exact X].
    intros v V. apply (tiling_corners _ _ _ T r v R); [apply in_flat_map; eauto | exact G].
  - exact regions_cover.
  - intros i j r q s s' x I J S S' X X'. assert (R := nth_error_In _ _ I). assert (Q := nth_error_In _ _ J).
    apply (same_place i j r q I J). destruct (tiling_patterns _ _ _ T q Q) as (ks & K). rewrite K.
    apply (overlap_pattern r (corners q) (in_region q)); auto using region_is_cell.
    exists x. split; [now apply (around_region r s) | now apply (around_region q s')].
  - intros r R. destruct (tiling_patterns _ _ _ T r R) as (ks & K). exists (forms_on_pieces net ks axes).
    apply (pattern_forms net (corners r) (in_region r) (start_at) axes ks); auto using region_is_cell, forms_at_start.
  - exact region_largest.
Qed.

(** * Claims that the corners decide *)
Definition output_at (x : place) (i : nat) : Q := get (run net (start_at x)) i.

Lemma affine_at x : held domain x -> exists r gs, In r regions /\ cell (corners r) (in_region r) /\ in_region r x /\
  forall y, in_region r y -> forall i, output_at y i == height (chosen gs i) y.
Proof.
  intros X. destruct (regions_cover x X) as (r & R & I). destruct (parts_affine _ _ _ simplices_are_partition r R) as (gs & G).
  exists r, gs. repeat split; auto; try apply (region_is_cell r R). intros y Y. apply (G y Y).
Qed.

Theorem simplices_at_most i c : (forall r v, In r regions -> In v (corners r) -> output_at v i <= c) ->
  forall x, held domain x -> output_at x i <= c.
Proof.
  intros H x X. destruct (affine_at x X) as (r & gs & R & C & I & G).
  assert (K : 0 <= height (less (level c) (chosen gs i)) x).
  { apply (cell_hull _ _ C); [|exact I]. intros v V. rewrite height_less, height_level, <- G by now apply (cell_corner _ _ C).
    specialize (H r v R V). lra. }
  rewrite height_less, height_level, <- G in K by exact I. lra.
Qed.

Theorem simplices_at_least i c : (forall r v, In r regions -> In v (corners r) -> c <= output_at v i) ->
  forall x, held domain x -> c <= output_at x i.
Proof.
  intros H x X. destruct (affine_at x X) as (r & gs & R & C & I & G).
  assert (K : 0 <= height (less (chosen gs i) (level c)) x).
  { apply (cell_hull _ _ C); [|exact I]. intros v V. rewrite height_less, height_level, <- G by now apply (cell_corner _ _ C).
    specialize (H r v R V). lra. }
  rewrite height_less, height_level, <- G in K by exact I. lra.
Qed.

Theorem simplices_always_equal i j : (forall r v, In r regions -> In v (corners r) -> output_at v i == output_at v j) ->
  forall x, held domain x -> output_at x i == output_at x j.
Proof.
  intros H x X. destruct (affine_at x X) as (r & gs & R & C & I & G).
  assert (K : 0 <= height (less (chosen gs i) (chosen gs j)) x).
  { apply (cell_hull _ _ C); [|exact I]. intros v V. rewrite height_less, <- !G by now apply (cell_corner _ _ C).
    specialize (H r v R V). lra. }
  assert (L : 0 <= height (less (chosen gs j) (chosen gs i)) x).
  { apply (cell_hull _ _ C); [|exact I]. intros v V. rewrite height_less, <- !G by now apply (cell_corner _ _ C).
    specialize (H r v R V). lra. }
  rewrite height_less, <- !G in K, L by exact I. lra.
Qed.

(** A simplex has a corner where what is positive at all corners is least: strictly larger everywhere. *)
Lemma positive_at_most (s : simplex) g x : proper s -> inside_simplex s x ->
  (forall v, In v (map snd s) -> 0 < height g v) -> 0 < height g x.
Proof.
  intros P X H. assert (ONE : weighed s (level 1) x == 1) by (rewrite <- (barycentric_sum s P), height_level; reflexivity).
  destruct (Exists_dec (fun lv => 0 < height (fst lv) x) s) as [E|E].
  { intros lv. destruct (Qlt_le_dec 0 (height (fst lv) x)); [now left | right; now apply Qle_not_lt]. }
  - apply Exists_exists in E. destruct E as ((l, v) & I & L). simpl in L. rewrite (barycentric_sum s P).
    apply (weighed_positive s g x l v); [|exact I|].
    + intros m w J. apply Qmult_nonneg; [apply (X m w J) | apply Qlt_le_weak, H, corner_of; eauto].
    + assert (0 < height g v) by (apply H, corner_of; eauto). nra.
  - exfalso. assert (Z : weighed s (level 1) x == 0).
    { apply weighed_zero. intros l v I. assert (height l x == 0) as ->; [|ring]. apply Qle_antisym; [|apply (X l v I)].
      destruct (Qlt_le_dec 0 (height l x)); [|assumption]. exfalso. apply E, Exists_exists. exists (l, v). auto. }
    lra.
Qed.

Theorem simplices_always_larger i j : (forall r v, In r regions -> In v (corners r) -> output_at v j < output_at v i) ->
  forall x, held domain x -> output_at x j < output_at x i.
Proof.
  intros H x X. destruct (affine_at x X) as (r & gs & R & C & (s & S & I) & G).
  assert (CS : forall v, In v (map snd s) -> In v (corners r)) by (intros v V; apply in_flat_map; eauto).
  assert (K : 0 < height (less (chosen gs i) (chosen gs j)) x).
  { apply (positive_at_most s); [apply (tiling_proper _ _ _ T r s R S) | exact I|]. intros v V.
    rewrite height_less, <- !G by now apply (cell_corner _ _ C), CS. specialize (H r v R (CS v V)). lra. }
  rewrite height_less, <- !G in K by (exists s; auto). lra.
Qed.
End SimplexPartition.
End Dimension.
