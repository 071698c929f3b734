(** Networks of scalar nodes, and their canonical pieces from values at several points. *)
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

(** ** Parts of values and of pieces *)
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

Lemma one_side_is hs b s : one_side hs b = Some s ->
  s = forallb (fun h => Qle_bool b h) hs /\ (s = false -> forallb (fun h => Qle_bool h b) hs = true).
Proof.
  unfold one_side. destruct (forallb (fun h => Qle_bool b h) hs); [intros [= <-]; split; [reflexivity | discriminate]|].
  destruct (forallb (fun h => Qle_bool h b) hs); [intros [= <-]; auto | discriminate].
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
