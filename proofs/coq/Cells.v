(** Lemma 1 and the separation of Theorem 2, for sets of points whose corners decide signs: polygons of the plane, and
    unions of simplices in every dimension. A space is a type of points and one of affine functions, with constants,
    sums and multiples. *)
From Coq Require Import Lia.
From Cpwl Require Export Network.

Section Space.
Variables (place form : Type) (height : form -> place -> Q).
Variables (level : Q -> form) (sum : form -> form -> form) (scaled : Q -> form -> form).
Hypothesis height_level : forall c x, height (level c) x == c.
Hypothesis height_sum : forall g h x, height (sum g h) x == height g x + height h x.
Hypothesis height_scaled : forall w g x, height (scaled w g) x == w * height g x.

(** * The affine functions that a pattern stands for *)
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
(** They have so much in common that an affine function cannot be >= 0 on the one and <= 0 on the other, but where it is
    0 everywhere. *)
Definition overlap (R R' : place -> Prop) : Prop := forall g,
  (forall y, R y -> 0 <= height g y) -> (forall y, R' y -> height g y <= 0) -> forall y, height g y == 0.

Lemma overlap_sym R R' : overlap R R' -> overlap R' R.
Proof.
  intros O g P N y. assert (Z : height (scaled (- (1)) g) y == 0); [|rewrite height_scaled in Z; lra].
  apply O; intros z I; rewrite height_scaled; [specialize (N z I) | specialize (P z I)]; lra.
Qed.

Lemma equal_on_both R R' g h : overlap R R' -> (forall y, R y -> 0 <= height (less g h) y) ->
  (forall y, R' y -> 0 <= height (less h g) y) -> forall y, height g y == height h y.
Proof.
  intros O P N y. assert (Z : height (less g h) y == 0); [|rewrite height_less in Z; lra].
  apply (O _ P). intros z I. specialize (N z I). rewrite height_less in *. lra.
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
End Space.
