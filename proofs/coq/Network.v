(** Networks of scalar nodes, their canonical pieces on a polygon, and what these imply. *)
From Cpwl Require Export Polygon.
From Coq Require Import Lia.
Arguments Qred : simpl never.

(** A node reads the numbers of earlier ones; numbers 0 and 1 are the coordinates of the point. Dense, convolution,
    scaling, division, sum and gather are [Linear] entry by entry. A [Piecewise] node is given by its first
    breakpoint and its value there, the slope before it, and for every breakpoint the slope after it. *)
Inductive node :=
| Linear (terms : list (Q * nat)) (shift : Q)
| Piecewise (first value slope : Q) (pieces : list (Q * Q)) (arg : nat)
| Maximum (arg : nat) (args : list nat).

Definition network := list node.

(** ** Values *)
Definition get (env : list Q) (i : nat) : Q := nth i env 0.

(** In lowest terms, so that numbers stay short; [Qred q == q]. *)
Fixpoint combination (env : list Q) (terms : list (Q * nat)) (shift : Q) : Q :=
  match terms with
  | [] => shift
  | (w, i) :: terms' => Qred (w * get env i + combination env terms' shift)
  end.

Definition positive_part (x : Q) : Q := if Qle_bool x 0 then 0 else x.

Fixpoint hinges (slope : Q) (pieces : list (Q * Q)) (h : Q) : Q :=
  match pieces with
  | [] => 0
  | (b, next) :: pieces' => (next - slope) * positive_part (h - b) + hinges next pieces' h
  end.

Definition piecewise (first value slope : Q) (pieces : list (Q * Q)) (h : Q) : Q :=
  value + slope * (h - first) + hinges slope pieces h.

Fixpoint maximum (env : list Q) (arg : nat) (args : list nat) : Q :=
  match args with
  | [] => get env arg
  | i :: args' => let m := maximum env i args' in if Qle_bool m (get env arg) then get env arg else m
  end.

Definition value (n : node) (env : list Q) : Q :=
  Qred match n with
       | Linear terms shift => combination env terms shift
       | Piecewise first value slope pieces arg => piecewise first value slope pieces (get env arg)
       | Maximum arg args => maximum env arg args
       end.

Definition step (n : node) (env : list Q) : list Q := env ++ [value n env].

Fixpoint run (net : network) (env : list Q) : list Q :=
  match net with
  | [] => env
  | n :: net' => run net' (step n env)
  end.

Definition start (x : point) : list Q := [px x; py x].

(** ** Canonical pieces, from the values at the corners *)
Inductive piece :=
| Sides (above : list bool)
| Winner (i : nat).

Definition argument (envs : list (list Q)) (i : nat) : list Q := map (fun env => get env i) envs.

(** Above a breakpoint at all corners (also if at it at all of them), else below it at all corners. *)
Definition one_side (hs : list Q) (b : Q) : option bool :=
  if forallb (fun h => Qle_bool b h) hs then Some true
  else if forallb (fun h => Qle_bool h b) hs then Some false else None.

Fixpoint all_sides (hs : list Q) (pieces : list (Q * Q)) : option (list bool) :=
  match pieces with
  | [] => Some []
  | (b, _) :: pieces' =>
    match one_side hs b, all_sides hs pieces' with
    | Some side, Some sides => Some (side :: sides)
    | _, _ => None
    end
  end.

Definition largest (envs : list (list Q)) (all : list nat) (i : nat) : bool :=
  forallb (fun env => forallb (fun j => Qle_bool (get env j) (get env i)) all) envs.

(** The least argument that is largest at all corners. *)
Fixpoint winner (wins : nat -> bool) (args : list nat) : option nat :=
  match args with
  | [] => None
  | i :: args' => if wins i then Some i else winner wins args'
  end.

Definition canonical (n : node) (envs : list (list Q)) : option piece :=
  match n with
  | Linear _ _ => Some (Sides [])
  | Piecewise _ _ _ pieces arg => option_map Sides (all_sides (argument envs arg) pieces)
  | Maximum arg args => option_map Winner (winner (largest envs (arg :: args)) (arg :: args))
  end.

Fixpoint pattern (net : network) (envs : list (list Q)) : option (list piece) :=
  match net with
  | [] => Some []
  | n :: net' =>
    match canonical n envs, pattern net' (map (step n) envs) with
    | Some k, Some ks => Some (k :: ks)
    | _, _ => None
    end
  end.

(** ** The affine functions that a pattern stands for *)
Definition constant (c : Q) : affine := Affine 0 0 c.
Definition plus (f g : affine) : affine := Affine (ca f + ca g) (cb f + cb g) (cc f + cc g).
Definition times (w : Q) (g : affine) : affine := Affine (w * ca g) (w * cb g) (w * cc g).
Definition pick (known : list affine) (i : nat) : affine := nth i known (constant 0).

Fixpoint combined (known : list affine) (terms : list (Q * nat)) (shift : Q) : affine :=
  match terms with
  | [] => constant shift
  | (w, i) :: terms' => plus (times w (pick known i)) (combined known terms' shift)
  end.

Fixpoint hinged (h : affine) (slope : Q) (pieces : list (Q * Q)) (above : list bool) : affine :=
  match pieces, above with
  | (b, next) :: pieces', side :: above' =>
    plus (if side then times (next - slope) (minus h (constant b)) else constant 0) (hinged h next pieces' above')
  | _, _ => constant 0
  end.

Definition on_piece (n : node) (k : piece) (known : list affine) : affine :=
  match n, k with
  | Linear terms shift, _ => combined known terms shift
  | Piecewise first value slope pieces arg, Sides above =>
    let h := pick known arg in
    plus (plus (constant value) (times slope (minus h (constant first)))) (hinged h slope pieces above)
  | Maximum _ _, Winner i => pick known i
  | _, _ => constant 0
  end.

Fixpoint on_pieces (net : network) (ks : list piece) (known : list affine) : list affine :=
  match net, ks with
  | n :: net', k :: ks' => on_pieces net' ks' (known ++ [on_piece n k known])
  | _, _ => known
  end.

Definition coordinates : list affine := [Affine 1 0 0; Affine 0 1 0].

Lemma at_constant c x : at_ x (constant c) == c.
Proof. unfold at_, constant; simpl; ring. Qed.

Lemma at_plus f g x : at_ x (plus f g) == at_ x f + at_ x g.
Proof. unfold at_, plus; simpl; ring. Qed.

Lemma at_times w g x : at_ x (times w g) == w * at_ x g.
Proof. unfold at_, times; simpl; ring. Qed.

(** ** A node with a canonical piece is affine *)
(** On a set of points the numbers known at a point are the given affine functions. *)
Definition affine_on (R : point -> Prop) (E : point -> list Q) (known : list affine) : Prop :=
  forall x, R x -> length (E x) = length known /\ forall i, get (E x) i == at_ x (pick known i).

Lemma affine_on_step R E known n g :
  affine_on R E known -> (forall x, R x -> value n (E x) == at_ x g) ->
  affine_on R (fun x => step n (E x)) (known ++ [g]).
Proof.
  intros A V x X. destruct (A x X) as (L & H). unfold step. split; [rewrite !app_length, L; reflexivity|].
  intros i. unfold get, pick in *. destruct (Nat.lt_ge_cases i (length known)) as [B|B].
  - rewrite !app_nth1 by lia. apply H.
  - rewrite !app_nth2 by lia. rewrite L. destruct (i - length known)%nat as [|[|j]]; simpl.
    + apply V, X.
    + rewrite at_constant; reflexivity.
    + rewrite at_constant; reflexivity.
Qed.

Lemma combination_affine env known terms shift x : (forall i, get env i == at_ x (pick known i)) ->
  combination env terms shift == at_ x (combined known terms shift).
Proof.
  intros H. induction terms as [|(w, i) terms IH]; simpl; [rewrite at_constant; reflexivity|].
  rewrite Qred_correct, at_plus, at_times, H, IH. reflexivity.
Qed.

Lemma positive_part_above x : 0 <= x -> positive_part x == x.
Proof.
  intros H. unfold positive_part. destruct (Qle_bool x 0) eqn:E; [|reflexivity]. apply Qle_bool_iff in E. lra.
Qed.

Lemma positive_part_below x : x <= 0 -> positive_part x == 0.
Proof. intros H. apply Qle_bool_iff in H. unfold positive_part. rewrite H. reflexivity. Qed.

Lemma Qle_bool_false x y : Qle_bool x y = false -> y < x.
Proof. intros H. apply Qnot_le_lt. intros L. apply Qle_bool_iff in L. congruence. Qed.

Lemma maximum_least env arg args m : (forall i, In i (arg :: args) -> get env i <= m) -> maximum env arg args <= m.
Proof.
  revert arg; induction args as [|i args IH]; intros arg H; simpl; [apply H; now left|].
  destruct (Qle_bool _ _); [apply H; now left | apply IH; intros j J; apply H; now right].
Qed.

Lemma maximum_bound env arg args i : In i (arg :: args) -> get env i <= maximum env arg args.
Proof.
  revert arg i; induction args as [|j args IH]; intros arg i H; simpl.
  - destruct H as [->|[]]. apply Qle_refl.
  - destruct (Qle_bool _ _) eqn:E.
    + apply Qle_bool_iff in E. destruct H as [->|H]; [apply Qle_refl|]. apply Qle_trans with (2 := E). apply IH, H.
    + apply Qle_bool_false in E. destruct H as [->|H]; [now apply Qlt_le_weak | apply IH, H].
Qed.

Lemma largest_iff envs all i : largest envs all i = true <->
  forall env j, In env envs -> In j all -> get env j <= get env i.
Proof.
  unfold largest. rewrite forallb_forall. split; intros H.
  - intros env j E J. specialize (H env E). rewrite forallb_forall in H. apply Qle_bool_iff, H, J.
  - intros env E. apply forallb_forall. intros j J. apply Qle_bool_iff, H; assumption.
Qed.

Lemma winner_wins wins args i : winner wins args = Some i -> wins i = true /\ In i args.
Proof.
  induction args as [|j args IH]; simpl; [discriminate|].
  destruct (wins j) eqn:E; [intros [= <-]; auto | intros H; destruct (IH H); auto].
Qed.

Lemma winner_ext wins wins' args : (forall i, In i args -> wins i = wins' i) -> winner wins args = winner wins' args.
Proof.
  induction args as [|j args IH]; simpl; intros H; [reflexivity|].
  rewrite (H j) by now left. destruct (wins' j); [reflexivity | apply IH; auto].
Qed.

Section Region.
Variables (l : list point) (E : point -> list Q) (known : list affine).
Hypothesis l_convex : convex l.
Hypothesis affine_here : affine_on (inside l) E known.

Lemma here i x : inside l x -> get (E x) i == at_ x (pick known i).
Proof. intros X. apply (affine_here x X). Qed.

Lemma corner_value v i : In v l -> get (E v) i == at_ v (pick known i).
Proof. intros V. apply here. now apply corner_inside. Qed.

Lemma sign_at_corners i b (ge : bool) :
  forallb (fun h => if ge then Qle_bool b h else Qle_bool h b) (argument (map E l) i) = true <->
  forall x, inside l x -> 0 <= (if ge then at_ x (minus (pick known i) (constant b))
                                else at_ x (minus (constant b) (pick known i))).
Proof.
  rewrite forallb_forall. split.
  - intros H x X. destruct ge; (apply (nonneg_on_hull l); [assumption | | exact X]); intros v V;
    (assert (K := H (get (E v) i)); rewrite Qle_bool_iff in K; rewrite at_minus, at_constant;
    assert (C := corner_value v i V);
    assert (K' := K ltac:(apply in_map_iff; exists (E v); split; [reflexivity | apply in_map, V])); lra).
  - intros H h I. unfold argument in I. rewrite map_map, in_map_iff in I. destruct I as (v & <- & V).
    assert (K := H v (corner_inside l v l_convex V)). assert (C := corner_value v i V).
    destruct ge; apply Qle_bool_iff; rewrite at_minus, at_constant in K; lra.
Qed.

Lemma above_iff i b : forallb (fun h => Qle_bool b h) (argument (map E l) i) = true <->
  forall x, inside l x -> 0 <= at_ x (minus (pick known i) (constant b)).
Proof. apply (sign_at_corners i b true). Qed.

Lemma below_iff i b : forallb (fun h => Qle_bool h b) (argument (map E l) i) = true <->
  forall x, inside l x -> 0 <= at_ x (minus (constant b) (pick known i)).
Proof. apply (sign_at_corners i b false). Qed.

Lemma hinges_affine i slope pieces above : all_sides (argument (map E l) i) pieces = Some above ->
  forall x, inside l x -> hinges slope pieces (get (E x) i) == at_ x (hinged (pick known i) slope pieces above).
Proof.
  intros H x X. revert slope above H.
  induction pieces as [|(b, next) pieces IH]; simpl; intros slope above; [intros [= <-]; rewrite at_constant; reflexivity|].
  unfold one_side. destruct (forallb _ _) eqn:A.
  - destruct (all_sides _ pieces) as [sides|]; [|discriminate]. intros [= <-]. rewrite at_plus, at_times, (IH next sides) by reflexivity.
    assert (K := proj1 (above_iff i b) A x X). rewrite at_minus, at_constant in *.
    rewrite positive_part_above by (rewrite here by exact X; exact K). rewrite here by exact X. reflexivity.
  - destruct (forallb (fun h => Qle_bool h b) _) eqn:B; [|discriminate].
    destruct (all_sides _ pieces) as [sides|]; [|discriminate]. intros [= <-]. rewrite at_plus, at_constant, (IH next sides) by reflexivity.
    assert (K := proj1 (below_iff i b) B x X). rewrite at_minus, at_constant in K.
    rewrite positive_part_below by (rewrite here by exact X; lra). ring.
Qed.

Lemma largest_on_region all i : largest (map E l) all i = true <->
  forall j x, In j all -> inside l x -> 0 <= at_ x (minus (pick known i) (pick known j)).
Proof.
  rewrite largest_iff. split.
  - intros H j x J. apply nonneg_on_hull; [assumption|]. intros v V.
    assert (K := H (E v) j (in_map E l v V) J). rewrite !corner_value in K by assumption. rewrite at_minus. lra.
  - intros H env j I J. apply in_map_iff in I. destruct I as (v & <- & V).
    assert (K := H j v J (corner_inside l v l_convex V)). rewrite at_minus in K. rewrite !corner_value by assumption. lra.
Qed.

Theorem node_affine n k : canonical n (map E l) = Some k ->
  forall x, inside l x -> value n (E x) == at_ x (on_piece n k known).
Proof.
  intros H x X. destruct n as [terms shift|first v slope pieces arg|arg args]; unfold value; rewrite Qred_correct; simpl in *.
  - apply combination_affine. intros i. now apply here.
  - destruct (all_sides _ pieces) as [above|] eqn:A; [|discriminate]. injection H as <-. unfold piecewise. simpl.
    rewrite !at_plus, at_times, at_minus, !at_constant, (hinges_affine _ slope _ _ A x X), here by exact X. reflexivity.
  - change (option_map Winner (winner (largest (map E l) (arg :: args)) (arg :: args)) = Some k) in H.
    destruct (winner _ (arg :: args)) as [i|] eqn:W; [|discriminate]. injection H as <-. simpl.
    destruct (winner_wins _ _ _ W) as (L & I). assert (K := proj1 (largest_on_region _ _) L).
    rewrite <- here by exact X. apply Qle_antisym; [|now apply maximum_bound].
    apply maximum_least. intros j J. specialize (K j x J X). rewrite at_minus in K. rewrite !here by exact X. lra.
Qed.
End Region.

(** With a pattern on a polygon every number of the network is the affine function that the pattern stands for. *)
Theorem pattern_affine net : forall l E known ks, convex l -> affine_on (inside l) E known ->
  pattern net (map E l) = Some ks -> affine_on (inside l) (fun x => run net (E x)) (on_pieces net ks known).
Proof.
  induction net as [|n net IH]; simpl; intros l E known ks C A H; [exact A|].
  destruct (canonical n (map E l)) as [k|] eqn:K; [|discriminate]. rewrite map_map in H.
  destruct (pattern net _) as [ks'|] eqn:P; [|discriminate]. injection H as <-.
  apply (IH l (fun x => step n (E x))); auto.
  apply affine_on_step; [exact A | apply (node_affine l E known C A n k K)].
Qed.

(** ** Separation: polygons whose interiors meet have one pattern *)
Section Overlap.
Variables (l m : list point) (E : point -> list Q) (known : list affine) (x : point).
Hypothesis l_convex : convex l.
Hypothesis m_convex : convex m.
Hypothesis affine_l : affine_on (inside l) E known.
Hypothesis affine_m : affine_on (inside m) E known.
Hypothesis x_l : interior l x.
Hypothesis x_m : interior m x.

Lemma opposite_sign g h : (forall y, inside l y -> 0 <= at_ y (minus g h)) ->
  (forall y, inside m y -> 0 <= at_ y (minus h g)) -> forall y, at_ y g == at_ y h.
Proof.
  intros P N y. assert (Z : at_ y (minus g h) == 0); [|rewrite at_minus in Z; lra].
  apply (zero_on_overlap l m _ x x_l x_m P). intros z I. specialize (N z I). rewrite at_minus in *. lra.
Qed.
End Overlap.

Lemma one_side_is hs b s : one_side hs b = Some s ->
  s = forallb (fun h => Qle_bool b h) hs /\ (s = false -> forallb (fun h => Qle_bool h b) hs = true).
Proof.
  unfold one_side. destruct (forallb (fun h => Qle_bool b h) hs); [intros [= <-]; split; [reflexivity | discriminate]|].
  destruct (forallb (fun h => Qle_bool h b) hs); [intros [= <-]; auto | discriminate].
Qed.

(** At or above a breakpoint on one polygon implies the same on the other. *)
Lemma above_agrees l m E known x i b : convex l -> convex m ->
  affine_on (inside l) E known -> affine_on (inside m) E known -> interior l x -> interior m x ->
  one_side (argument (map E l) i) b = Some true -> one_side (argument (map E m) i) b = Some false -> False.
Proof.
  intros CL CM AL AM XL XM S T. apply one_side_is in S, T. destruct S as (A & _), T as (B & C).
  symmetry in A, B. specialize (C eq_refl).
  assert (A' := proj1 (above_iff l E known CL AL i b) A). assert (C' := proj1 (below_iff m E known CM AM i b) C).
  assert (H := opposite_sign l m x XL XM _ _ A' C').
  enough (forallb (fun h => Qle_bool b h) (argument (map E m) i) = true) by congruence.
  apply (above_iff m E known CM AM). intros y _. rewrite at_minus, H. lra.
Qed.

Lemma one_side_agrees l m E known x i b s t : convex l -> convex m ->
  affine_on (inside l) E known -> affine_on (inside m) E known -> interior l x -> interior m x ->
  one_side (argument (map E l) i) b = Some s -> one_side (argument (map E m) i) b = Some t -> s = t.
Proof.
  intros CL CM AL AM XL XM S T. destruct s, t; try reflexivity; exfalso;
  [apply (above_agrees l m E known x i b) | apply (above_agrees m l E known x i b)]; assumption.
Qed.

Lemma largest_agrees l m E known x all i j : convex l -> convex m ->
  affine_on (inside l) E known -> affine_on (inside m) E known -> interior l x -> interior m x ->
  In i all -> In j all -> largest (map E l) all i = true -> largest (map E m) all j = true -> largest (map E l) all j = true.
Proof.
  intros CL CM AL AM XL XM I J A B.
  assert (A' := proj1 (largest_on_region l E known CL AL all i) A). assert (B' := proj1 (largest_on_region m E known CM AM all j) B).
  apply (largest_on_region l E known CL AL). intros k y K Y.
  assert (H := opposite_sign l m x XL XM _ _ (fun y => A' j y J) (fun y => B' i y I) y).
  specialize (A' k y K Y). rewrite at_minus in *. lra.
Qed.

Lemma canonical_agrees l m E known x n p q : convex l -> convex m ->
  affine_on (inside l) E known -> affine_on (inside m) E known -> interior l x -> interior m x ->
  canonical n (map E l) = Some p -> canonical n (map E m) = Some q -> p = q.
Proof.
  intros CL CM AL AM XL XM. destruct n as [terms shift|first v slope pieces arg|arg args]; cbn [canonical].
  - congruence.
  - assert (S : forall s t, all_sides (argument (map E l) arg) pieces = Some s ->
                            all_sides (argument (map E m) arg) pieces = Some t -> s = t).
    { induction pieces as [|(b, next) pieces IH]; simpl; [congruence|]. intros s t.
      destruct (one_side (argument (map E l) arg) b) as [s0|] eqn:S0; [|discriminate].
      destruct (one_side (argument (map E m) arg) b) as [t0|] eqn:T0; [|discriminate].
      destruct (all_sides _ pieces) as [s'|]; [|discriminate].
      destruct (all_sides _ pieces) as [t'|]; [|discriminate].
      intros [= <-] [= <-]. f_equal; [|now apply IH].
      now apply (one_side_agrees l m E known x arg b). }
    destruct (all_sides (argument (map E l) arg) pieces) as [s|]; [|discriminate].
    destruct (all_sides (argument (map E m) arg) pieces) as [t|]; [|discriminate].
    simpl. intros [= <-] [= <-]. f_equal. now apply S.
  - destruct (winner (largest (map E l) (arg :: args)) (arg :: args)) as [i|] eqn:W; [|discriminate].
    destruct (winner (largest (map E m) (arg :: args)) (arg :: args)) as [j|] eqn:V; [|discriminate].
    cbn [option_map]. intros [= <-] [= <-]. f_equal.
    destruct (winner_wins _ _ _ W) as (WI & II). destruct (winner_wins _ _ _ V) as (WJ & JJ).
    enough (Some i = Some j) by congruence. rewrite <- W, <- V. apply winner_ext. intros k K.
    destruct (largest (map E l) (arg :: args) k) eqn:A, (largest (map E m) (arg :: args) k) eqn:B; try reflexivity.
    + rewrite <- B. symmetry. apply (largest_agrees m l E known x (arg :: args) j k); assumption.
    + rewrite <- A. apply (largest_agrees l m E known x (arg :: args) i k); assumption.
Qed.

Theorem separation net : forall l m E known x p q, convex l -> convex m ->
  affine_on (inside l) E known -> affine_on (inside m) E known -> interior l x -> interior m x ->
  pattern net (map E l) = Some p -> pattern net (map E m) = Some q -> p = q.
Proof.
  induction net as [|n net IH]; simpl; intros l m E known x p q CL CM AL AM XL XM; [congruence|].
  destruct (canonical n (map E l)) as [k|] eqn:K; [|discriminate].
  destruct (canonical n (map E m)) as [k'|] eqn:K'; [|discriminate].
  assert (k = k') as <- by now apply (canonical_agrees l m E known x n).
  rewrite !map_map.
  destruct (pattern net (map (fun y => step n (E y)) l)) as [ks|] eqn:P; [|discriminate].
  destruct (pattern net (map (fun y => step n (E y)) m)) as [ks'|] eqn:P'; [|discriminate].
  intros [= <-] [= <-]. f_equal.
  apply (IH l m (fun y => step n (E y)) (known ++ [on_piece n k known]) x); auto.
  - apply affine_on_step; [exact AL | apply (node_affine l E known CL AL n k K)].
  - apply affine_on_step; [exact AM | apply (node_affine m E known CM AM n k K')].
Qed.

Lemma affine_at_start l : affine_on (inside l) start coordinates.
Proof.
  intros x _. split; [reflexivity|]. unfold get, pick, start, coordinates, at_.
  intros [|[|[|i]]]; simpl; ring.
Qed.

(** ** [piecewise] is what it should be *)
Lemma last_default {A} (l : list A) a d e : last (a :: l) d = last (a :: l) e.
Proof. revert a; induction l as [|b l IH]; intros a; [reflexivity | exact (IH b)]. Qed.

(** Between the breakpoints [left] before and [right] after it has the slope after the last of [left]. *)
Theorem piecewise_slope first value slope left right h h' :
  (forall b s, In (b, s) left -> b <= h /\ b <= h') -> (forall b s, In (b, s) right -> h <= b /\ h' <= b) ->
  piecewise first value slope (left ++ right) h - piecewise first value slope (left ++ right) h' ==
  last (map snd left) slope * (h - h').
Proof.
  intros L R.
  assert (FLAT : forall s k, k = h \/ k = h' -> hinges s right k == 0).
  { intros s k K. revert s. induction right as [|(b, t) right IH]; simpl; intros s; [reflexivity|].
    rewrite IH by (intros c u I; apply (R c u); now right). destruct (R b t (or_introl eq_refl)).
    rewrite positive_part_below by (destruct K as [->| ->]; lra). ring. }
  enough (H : hinges slope (left ++ right) h - hinges slope (left ++ right) h' ==
              (last (map snd left) slope - slope) * (h - h')) by (unfold piecewise; lra).
  revert slope. induction left as [|(b, s) left IH]; intros slope; simpl app.
  - simpl. rewrite !FLAT by auto. ring.
  - simpl hinges. destruct (L b s (or_introl eq_refl)) as (B & B').
    assert (H := IH ltac:(intros c t I; apply (L c t); now right) s).
    rewrite !positive_part_above by lra.
    assert (LAST : last (map snd ((b, s) :: left)) slope = last (map snd left) s).
    { cbn [map snd]. destruct (map snd left); [reflexivity | exact (last_default _ _ _ _)]. }
    rewrite LAST. lra.
Qed.

Theorem piecewise_value first value slope pieces : (forall b s, In (b, s) pieces -> first <= b) ->
  piecewise first value slope pieces first == value.
Proof.
  intros H. unfold piecewise. enough (Z : hinges slope pieces first == 0) by (rewrite Z; ring).
  revert slope. induction pieces as [|(b, s) pieces IH]; simpl; intros slope; [reflexivity|].
  rewrite IH by (intros c t I; apply (H c t); now right). assert (B := H b s (or_introl eq_refl)).
  rewrite positive_part_below by lra. ring.
Qed.
