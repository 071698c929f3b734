(** The rational plane: affine functions, lines, closeness ("for all small s"). *)
From Coq Require Export QArith List Lqa.
From Coq Require Import Qabs.
Export ListNotations.
Open Scope Q_scope.

Record point := Point { px : Q; py : Q }.

(** [a x + b y + c]. *)
Record affine := Affine { ca : Q; cb : Q; cc : Q }.

Definition at_ (p : point) (g : affine) : Q := ca g * px p + cb g * py p + cc g.

(** The point [p + s (q - p)]. *)
Definition toward (p q : point) (s : Q) : point :=
  Point (px p + s * (px q - px p)) (py p + s * (py q - py p)).

Definition shifted (p : point) (dx dy : Q) : point := Point (px p + dx) (py p + dy).

(** The line through two points: positive on its left. *)
Definition line (a b : point) : affine :=
  Affine (py a - py b) (px b - px a) (px a * py b - py a * px b).

Definition opposite (g : affine) : affine := Affine (- ca g) (- cb g) (- cc g).
Definition minus (g h : affine) : affine := Affine (ca g - ca h) (cb g - cb h) (cc g - cc h).

(** The functions with one value; sums; multiples. *)
Definition constant (c : Q) : affine := Affine 0 0 c.
Definition plus (f g : affine) : affine := Affine (ca f + ca g) (cb f + cb g) (cc f + cc g).
Definition times (w : Q) (g : affine) : affine := Affine (w * ca g) (w * cb g) (w * cc g).

Lemma at_constant c x : at_ x (constant c) == c.
Proof. unfold at_, constant; simpl; ring. Qed.

Lemma at_plus f g x : at_ x (plus f g) == at_ x f + at_ x g.
Proof. unfold at_, plus; simpl; ring. Qed.

Lemma at_times w g x : at_ x (times w g) == w * at_ x g.
Proof. unfold at_, times; simpl; ring. Qed.

Lemma at_toward g p q s : at_ (toward p q s) g == at_ p g + s * (at_ q g - at_ p g).
Proof. unfold at_, toward; simpl; ring. Qed.

Lemma at_opposite g p : at_ p (opposite g) == - at_ p g.
Proof. unfold at_, opposite; simpl; ring. Qed.

Lemma at_minus g h p : at_ p (minus g h) == at_ p g - at_ p h.
Proof. unfold at_, minus; simpl; ring. Qed.

Lemma line_start a b : at_ a (line a b) == 0.
Proof. unfold at_, line; simpl; ring. Qed.

Lemma line_end a b : at_ b (line a b) == 0.
Proof. unfold at_, line; simpl; ring. Qed.

Lemma line_reversed a b p : at_ p (line b a) == - at_ p (line a b).
Proof. unfold at_, line; simpl; ring. Qed.

Lemma line_rotated a b c : at_ c (line a b) == at_ a (line b c).
Proof. unfold at_, line; simpl; ring. Qed.

Lemma line_swapped a b p : at_ p (line a b) == - at_ b (line a p).
Proof. unfold at_, line; simpl; ring. Qed.

(** Barycentric coordinates: every affine function at [x] from its values at the corners of a triangle. *)
Lemma barycentric g p a b x :
  at_ p (line a b) * at_ x g ==
  at_ x (line a b) * at_ p g + at_ x (line b p) * at_ a g + at_ x (line p a) * at_ b g.
Proof. unfold at_, line; simpl; ring. Qed.

Lemma Qmult_nonneg x y : 0 <= x -> 0 <= y -> 0 <= x * y.
Proof. intros; nra. Qed.

Lemma product_zero x y : 0 <= x -> 0 <= y -> x * y == 0 -> x == 0 \/ y == 0.
Proof.
  intros _ _ H. destruct (Qeq_dec x 0) as [|N]; [now left | right].
  apply (Qmult_integral_l _ _ N H).
Qed.

(** * For all small s > 0 *)
Definition small (F : Q -> Prop) : Prop := exists d, 0 < d /\ forall s, 0 < s -> s <= d -> F s.

Lemma small_and F G : small F -> small G -> small (fun s => F s /\ G s).
Proof.
  intros (d & D & HF) (e & E & HG).
  destruct (Qlt_le_dec d e).
  - exists d; split; [assumption|]. intros s S L; split; [apply HF | apply HG]; lra.
  - exists e; split; [assumption|]. intros s S L; split; [apply HF | apply HG]; lra.
Qed.

Lemma small_weaken (F G : Q -> Prop) : (forall s, 0 < s -> F s -> G s) -> small F -> small G.
Proof. intros H (d & D & HF). exists d; split; auto. Qed.

Lemma small_true (F : Q -> Prop) : (forall s, 0 < s -> F s) -> small F.
Proof. intros H. exists 1; split; [lra | auto]. Qed.

Lemma small_forall {A} (F : A -> Q -> Prop) (l : list A) :
  (forall a, In a l -> small (F a)) -> small (fun s => forall a, In a l -> F a s).
Proof.
  induction l as [|a l IH]; intros H.
  - apply small_true; intros s _ b [].
  - assert (small (fun s => F a s /\ forall b, In b l -> F b s)) as S.
    { apply small_and; [apply H; now left | apply IH; intros b B; apply H; now right]. }
    revert S; apply small_weaken. intros s _ (H1 & H2) b [<-|B]; auto.
Qed.

Lemma small_witness F : small F -> exists s, 0 < s /\ s <= 1 /\ F s.
Proof.
  intros (d & D & H). destruct (Qlt_le_dec d 1).
  - exists d. repeat split; try lra. apply H; lra.
  - exists 1. repeat split; try lra. apply H; lra.
Qed.

Lemma small_le (e : Q) : 0 < e -> small (fun s => s <= e).
Proof. intros E. exists e; split; auto. Qed.

(** [x + y s] keeps the sign of [x]. *)
Lemma small_positive x y : 0 < x -> small (fun s => 0 < x + s * y).
Proof.
  intros X. destruct (Qlt_le_dec y 0) as [Y|Y].
  - set (t := x / (2 * - y)). assert (E : t * y == - (1 # 2) * x) by (unfold t; field; lra).
    exists t. split.
    + apply Qlt_shift_div_l; lra.
    + intros s S L. assert (t * y <= s * y) by nra. lra.
  - apply small_true. intros s S. nra.
Qed.

Lemma small_negative x y : x < 0 -> small (fun s => x + s * y < 0).
Proof.
  intros X. assert (S : small (fun s => 0 < - x + s * - y)) by (apply small_positive; lra).
  revert S; apply small_weaken; intros s _ H; lra.
Qed.

Lemma small_nonzero x y : ~ x == 0 \/ ~ y == 0 -> small (fun s => ~ x + s * y == 0).
Proof.
  intros H. destruct (Q_dec x 0) as [[N|N]|N].
  - generalize (small_negative x y N). apply small_weaken; intros; lra.
  - generalize (small_positive x y N). apply small_weaken; intros; lra.
  - destruct H as [H|H]; [contradiction|]. apply small_true. intros s S E.
    apply H. rewrite N in E. assert (Z : s * y == 0) by lra.
    apply Qmult_integral in Z. destruct Z; [lra | assumption].
Qed.

(** Along the curve (s, s^2) an affine function that is not constant leaves every level at once. *)
Lemma small_generic g p :
  (exists q, ~ at_ q g == 0) -> small (fun s => ~ at_ (shifted p s (s * s)) g == 0).
Proof.
  intros (q & N).
  assert (E : forall s, at_ (shifted p s (s * s)) g == at_ p g + s * (ca g + s * cb g)).
  { intros s; unfold at_, shifted; simpl; ring. }
  assert (H : small (fun s => ~ at_ p g + s * (ca g + s * cb g) == 0)).
  { destruct (Qeq_dec (at_ p g) 0) as [Z|Z].
    - assert (D : ~ ca g == 0 \/ ~ cb g == 0).
      { destruct (Qeq_dec (ca g) 0) as [A|A]; [right | now left].
        intros B. apply N. rewrite <- Z. unfold at_. rewrite A, B. ring. }
      generalize (small_nonzero _ _ D). apply small_weaken.
      intros s S H F. rewrite Z in F. assert (s * (ca g + s * cb g) == 0) as G by lra.
      apply Qmult_integral in G. destruct G; [lra | contradiction].
    - set (k := Qabs (ca g) + Qabs (cb g)).
      assert (B : forall s, 0 < s -> s <= 1 -> - k <= ca g + s * cb g <= k).
      { intros s S L. unfold k.
        assert (A1 := Qle_Qabs (ca g)). assert (A2 := Qle_Qabs (- ca g)).
        assert (B1 := Qle_Qabs (cb g)). assert (B2 := Qle_Qabs (- cb g)).
        rewrite Qabs_opp in A2, B2. split; nra. }
      destruct (Q_dec (at_ p g) 0) as [[X|X]|X]; [| |contradiction].
      + generalize (small_and _ _ (small_le 1 ltac:(lra)) (small_negative (at_ p g) k X)).
        apply small_weaken. intros s S (L & H) F. specialize (B s S L). nra.
      + generalize (small_and _ _ (small_le 1 ltac:(lra)) (small_positive (at_ p g) (- k) X)).
        apply small_weaken. intros s S (L & H) F. specialize (B s S L). nra. }
  revert H; apply small_weaken. intros s _ H F. apply H. rewrite <- E. exact F.
Qed.

Lemma shifted_at g p s : at_ (shifted p s (s * s)) g == at_ p g + s * ca g + s * s * cb g.
Proof. unfold at_, shifted; simpl; ring. Qed.

Lemma small_shifted_positive g p : 0 < at_ p g -> small (fun s => 0 < at_ (shifted p s (s * s)) g).
Proof.
  intros X. set (h := (1 # 2) * at_ p g). assert (0 < h) by (unfold h; lra).
  generalize (small_and _ _ (small_le 1 ltac:(lra))
    (small_and _ _ (small_positive h (ca g) H) (small_positive h (cb g) H))).
  apply small_weaken. intros s S (L & A & B). rewrite shifted_at.
  assert (E : at_ p g == h + h) by (unfold h; ring). rewrite E.
  assert (0 < s * s) by nra. assert (s * s <= s) by nra.
  destruct (Qlt_le_dec (cb g) 0); nra.
Qed.
