(** Numbers with a radius, rounded outward: the arithmetic of Theorem 7 (a), on integers alone. A ball holds the numbers
    that are, times [one], no farther from its centre than its radius. *)
From Coq Require Import ZArith QArith Qabs List Lia Lqa.
Import ListNotations.
Open Scope Q_scope.

Notation of_Z := inject_Z.

(** [y] is the number times [one]. *)
Definition holds (c r : Z) (y : Q) : Prop := of_Z c - of_Z r <= y /\ y <= of_Z c + of_Z r.

(** The quotient rounded up. *)
Definition up (x d : Z) : Z := (- (- x / d))%Z.

Lemma of_Z_pos d : (0 < d)%Z -> 0 < of_Z d.
Proof. intros H. change 0 with (of_Z 0). rewrite <- Zlt_Qlt. exact H. Qed.

Lemma of_Z_nonneg d : (0 <= d)%Z -> 0 <= of_Z d.
Proof. intros H. change 0 with (of_Z 0). rewrite <- Zle_Qle. exact H. Qed.

Lemma floor_below x d : (0 < d)%Z -> of_Z (x / d) * of_Z d <= of_Z x.
Proof. intros H. rewrite <- inject_Z_mult, <- Zle_Qle. rewrite Z.mul_comm. now apply Z.mul_div_le. Qed.

Lemma floor_above x d : (0 < d)%Z -> of_Z x < of_Z (x / d) * of_Z d + of_Z d.
Proof.
  intros H. rewrite <- inject_Z_mult, <- inject_Z_plus, <- Zlt_Qlt.
  assert (M := Z.mod_pos_bound x d H). assert (E := Z.div_mod x d ltac:(lia)). nia.
Qed.

Lemma up_above x d : (0 < d)%Z -> of_Z x <= of_Z (up x d) * of_Z d.
Proof.
  intros H. unfold up. rewrite inject_Z_opp. assert (F := floor_below (- x) d H). rewrite inject_Z_opp in F. lra.
Qed.

(** ** 1. Quotients *)
Definition rest (x d : Z) : Z := if (x mod d =? 0)%Z then 0%Z else 1%Z.

Theorem quotient_holds c r d y : (0 < d)%Z -> holds c r y -> holds (c / d) (up r d + rest c d) (y / of_Z d).
Proof.
  intros H (A & B). assert (D := of_Z_pos d H). assert (F := floor_below c d H). assert (G := floor_above c d H).
  assert (U := up_above r d H). unfold holds, rest. rewrite inject_Z_plus.
  assert (E : (if (c mod d =? 0)%Z then of_Z c == of_Z (c / d) * of_Z d else True)).
  { destruct (c mod d =? 0)%Z eqn:M; [|exact I]. apply Z.eqb_eq in M. rewrite <- inject_Z_mult. f_equiv.
    assert (X := Z.div_mod c d ltac:(lia)). lia. }
  destruct (c mod d =? 0)%Z; (split; [apply Qle_shift_div_l | apply Qle_shift_div_r]); try exact D;
  change (of_Z 0) with 0; change (of_Z 1) with 1; lra.
Qed.

(** ** 4. Combinations *)
Record term := Term { share : Q; centre : Z; radius : Z; entry : Q; number : Z; error : Z }.

Definition is_held (t : term) : Prop :=
  holds (centre t) (radius t) (share t) /\ holds (number t) (error t) (entry t) /\ (0 <= radius t)%Z /\ (0 <= error t)%Z.

Definition bound (t : term) : Z := (radius t * (Z.abs (number t) + error t) + error t * Z.abs (centre t))%Z.

Fixpoint total {A} (plus : A -> A -> A) (zero : A) (f : term -> A) (ts : list term) : A :=
  match ts with [] => zero | t :: ts' => plus (f t) (total plus zero f ts') end.

Lemma product_le a b c d : 0 <= a -> 0 <= b -> a <= c -> b <= d -> a * b <= c * d.
Proof.
  intros A B C D. apply Qle_trans with (c * b); [now apply Qmult_le_compat_r|].
  rewrite !(Qmult_comm c). apply Qmult_le_compat_r; lra.
Qed.

Lemma product_bound X Y c g r e : - r <= X - c -> X - c <= r -> - e <= Y - g -> Y - g <= e -> 0 <= r -> 0 <= e ->
  - (r * (Qabs g + e) + e * Qabs c) <= X * Y - c * g /\ X * Y - c * g <= r * (Qabs g + e) + e * Qabs c.
Proof.
  intros A B C D R E. apply Qabs_Qle_condition.
  setoid_replace (X * Y - c * g) with ((X - c) * Y + c * (Y - g)) by ring.
  apply Qle_trans with (Qabs ((X - c) * Y) + Qabs (c * (Y - g))); [apply Qabs_triangle|].
  rewrite !Qabs_Qmult. assert (P : Qabs (X - c) <= r) by (apply Qabs_Qle_condition; auto).
  assert (O : Qabs (Y - g) <= e) by (apply Qabs_Qle_condition; auto).
  assert (S : Qabs Y <= Qabs g + e).
  { assert (W : Qabs Y == Qabs (g + (Y - g))) by (apply Qabs_wd; ring). assert (T := Qabs_triangle g (Y - g)). lra. }
  assert (N1 := Qabs_nonneg (X - c)). assert (N2 := Qabs_nonneg Y). assert (N3 := Qabs_nonneg c). assert (N4 := Qabs_nonneg (Y - g)).
  assert (K := product_le _ _ _ _ N1 N2 P S). assert (L := product_le _ _ _ _ N3 N4 (Qle_refl _) O). lra.
Qed.

Lemma of_Z_abs x : of_Z (Z.abs x) == Qabs (of_Z x).
Proof. destruct x; reflexivity. Qed.

Lemma term_holds t : is_held t -> holds (centre t * number t) (bound t) (share t * entry t).
Proof.
  intros ((A & B) & (C & D) & R & E). unfold holds, bound.
  rewrite !inject_Z_plus, !inject_Z_mult, !inject_Z_plus, !of_Z_abs.
  destruct (product_bound (share t) (entry t) (of_Z (centre t)) (of_Z (number t)) (of_Z (radius t)) (of_Z (error t)));
  try lra; now apply of_Z_nonneg.
Qed.

Lemma sum_holds ts : (forall t, In t ts -> is_held t) ->
  holds (total Z.add 0%Z (fun t => centre t * number t)%Z ts) (total Z.add 0%Z bound ts)
        (total Qplus 0 (fun t => share t * entry t) ts).
Proof.
  induction ts as [|t ts IH]; intros H; [split; cbn [total]; change (of_Z 0) with 0; lra|].
  destruct (term_holds t (H t (or_introl eq_refl))) as (A & B).
  destruct (IH (fun u U => H u (or_intror U))) as (C & D). unfold holds in *. simpl. rewrite !inject_Z_plus. split; lra.
Qed.

(** The sum over [one], of shares and entries that are both times [one]. *)
Theorem combination_holds one ts : (0 < one)%Z -> (forall t, In t ts -> is_held t) ->
  let c := total Z.add 0%Z (fun t => centre t * number t)%Z ts in
  holds (c / one) (up (total Z.add 0%Z bound ts) one + rest c one)
        (total Qplus 0 (fun t => share t * entry t) ts / of_Z one).
Proof. intros H A c. apply quotient_holds; [exact H | now apply sum_holds]. Qed.

(** A larger radius holds no less; and one that is found from a sum in multiples of a power of two is larger. *)
Lemma larger_holds c r s y : (r <= s)%Z -> holds c r y -> holds c s y.
Proof. intros H (A & B). rewrite Zle_Qle in H. unfold holds. split; lra. Qed.

Lemma coarse_radius sum step fine one t : (0 < step)%Z -> (0 < fine)%Z -> one = (step * fine)%Z -> (sum <= step * t)%Z ->
  (up sum one + 1 <= t / fine + 2)%Z.
Proof.
  intros S F -> H. unfold up. assert (D := Z.div_mod t fine ltac:(lia)). assert (M := Z.mod_pos_bound t fine F).
  assert (- (t / fine + 1) <= - sum / (step * fine))%Z; [|lia].
  apply Z.div_le_lower_bound; nia.
Qed.

(** ** 6. The share of a crossing *)
Lemma least_is_below a r x : 0 < x -> of_Z a - of_Z r <= x -> of_Z (Z.max (a - r) 0) <= x.
Proof.
  intros P H. destruct (Z.max_spec (a - r) 0) as [(_ & ->)|(_ & ->)]; [change (of_Z 0) with 0; lra|].
  unfold Z.sub. rewrite inject_Z_plus, inject_Z_opp. lra.
Qed.

Theorem crossing_holds one x y a r b s : (0 < one)%Z -> 0 < x -> 0 < y ->
  (0 <= a)%Z -> (0 <= b)%Z -> (0 <= r)%Z -> (0 <= s)%Z ->
  holds a r x -> holds b s y ->
  let l := Z.max (a - r) 0 in let m := Z.max (b - s) 0 in
  let low := (one * l / (l + (b + s)))%Z in let high := up (one * (a + r)) (a + r + m) in
  let middle := ((low + high) / 2)%Z in holds middle (high - middle) (of_Z one * (x / (x + y))).
Proof.
  intros O X Y A B R S (XL & XH) (YL & YH) l m low high middle.
  assert (L : of_Z l <= x) by (apply least_is_below; lra). assert (M : of_Z m <= y) by (apply least_is_below; lra).
  assert (L0 : 0 <= of_Z l) by (apply of_Z_nonneg; unfold l; lia).
  assert (M0 : 0 <= of_Z m) by (apply of_Z_nonneg; unfold m; lia).
  assert (P : (0 < l + (b + s))%Z). { rewrite Zlt_Qlt, !inject_Z_plus. change (of_Z 0) with 0. lra. }
  assert (Q : (0 < a + r + m)%Z). { rewrite Zlt_Qlt, !inject_Z_plus. change (of_Z 0) with 0. lra. }
  assert (F := floor_below (one * l) _ P). assert (U := up_above (one * (a + r)) _ Q).
  fold low in F. fold high in U. rewrite inject_Z_mult, !inject_Z_plus in F, U. rewrite ?inject_Z_plus in U.
  assert (P' := of_Z_pos _ P). assert (Q' := of_Z_pos _ Q). rewrite !inject_Z_plus in P', Q'. assert (O' := of_Z_pos one O).
  assert (T : 0 < x + y) by lra.
  assert (E : x / (x + y) * (x + y) == x) by (field; lra).
  set (t := x / (x + y)) in *.
  assert (T0 : 0 <= t) by (unfold t; apply Qle_shift_div_l; lra).
  assert (LOW : of_Z low <= of_Z one * t).
  { assert (of_Z l <= t * (of_Z l + (of_Z b + of_Z s))).
    { apply Qmult_le_r with (z := x + y); [exact T|].
      setoid_replace (t * (of_Z l + (of_Z b + of_Z s)) * (x + y)) with ((of_Z l + (of_Z b + of_Z s)) * (t * (x + y))) by ring.
      rewrite E. nra. }
    apply Qmult_le_r with (z := of_Z l + (of_Z b + of_Z s)); [exact P'|]. nra. }
  assert (HIGH : of_Z one * t <= of_Z high).
  { assert (K : t * (of_Z a + of_Z r + of_Z m) <= of_Z a + of_Z r).
    { apply Qmult_le_r with (z := x + y); [exact T|].
      setoid_replace (t * (of_Z a + of_Z r + of_Z m) * (x + y)) with ((of_Z a + of_Z r + of_Z m) * (t * (x + y))) by ring.
      rewrite E. nra. }
    apply Qmult_le_r with (z := of_Z a + of_Z r + of_Z m); [exact Q'|].
    apply Qmult_le_compat_r with (z := of_Z one) in K; [|lra]. lra. }
  assert (H2 := floor_below (low + high) 2 ltac:(lia)). fold middle in H2. rewrite inject_Z_plus in H2. change (of_Z 2) with 2 in H2.
  unfold holds, Z.sub. rewrite inject_Z_plus, inject_Z_opp. split; lra.
Qed.

(** ** 7. Interpolation *)
Theorem interpolation_holds one t s u x y c r c' r' : (0 < one)%Z -> 0 <= t -> t <= 1 -> (0 <= u)%Z ->
  holds s u (of_Z one * t) -> holds c r x -> holds c' r' y ->
  holds (c + s * (c' - c) / one) (Z.max r r' + (u * Z.abs (c' - c) / one + 2)) ((1 - t) * x + t * y).
Proof.
  intros O T0 T1 U0 (SL & SH) (XL & XH) (YL & YH).
  assert (F := floor_below (s * (c' - c)) one O). assert (G := floor_above (s * (c' - c)) one O).
  assert (W := floor_above (u * Z.abs (c' - c)) one O). assert (O' := of_Z_pos one O).
  rewrite inject_Z_mult in F, G, W. rewrite of_Z_abs in W.
  set (step := of_Z (c' - c)) in *.
  assert (ST : step == of_Z c' - of_Z c) by (unfold step, Z.sub; now rewrite inject_Z_plus, inject_Z_opp).
  assert (U1 := of_Z_nonneg u U0).
  assert (K : Qabs (of_Z one * t * step - of_Z s * step) <= of_Z u * Qabs step).
  { setoid_replace (of_Z one * t * step - of_Z s * step) with ((of_Z one * t - of_Z s) * step) by ring. rewrite Qabs_Qmult.
    assert (Qabs (of_Z one * t - of_Z s) <= of_Z u) by (apply Qabs_Qle_condition; split; lra).
    assert (N := Qabs_nonneg step). nra. }
  apply Qabs_Qle_condition in K. destruct K as (K1 & K2).
  assert (R1 : of_Z r <= of_Z (Z.max r r')) by (rewrite <- Zle_Qle; lia).
  assert (R2 : of_Z r' <= of_Z (Z.max r r')) by (rewrite <- Zle_Qle; lia).
  set (w := of_Z (Z.max r r')) in *.
  assert (V1 : - w <= (1 - t) * (x - of_Z c) + t * (y - of_Z c')) by nra.
  assert (V2 : (1 - t) * (x - of_Z c) + t * (y - of_Z c') <= w) by nra.
  unfold holds. rewrite !inject_Z_plus. fold w. change (of_Z 2) with 2.
  set (f := of_Z (s * (c' - c) / one)) in *. set (v := of_Z (u * Z.abs (c' - c) / one)) in *.
  assert (A1 : t * step - f <= v + 2). { apply Qmult_le_r with (z := of_Z one); [exact O'|]. nra. }
  assert (A2 : - (v + 2) <= t * step - f). { apply Qmult_le_r with (z := of_Z one); [exact O'|]. nra. }
  split; nra.
Qed.

(** Where both centres are one, nothing is rounded. *)
Theorem equal_centres_hold t x y c r r' : 0 <= t -> t <= 1 -> holds c r x -> holds c r' y ->
  holds c (Z.max r r') ((1 - t) * x + t * y).
Proof.
  intros T0 T1 (XL & XH) (YL & YH).
  assert (R1 : of_Z r <= of_Z (Z.max r r')) by (rewrite <- Zle_Qle; lia).
  assert (R2 : of_Z r' <= of_Z (Z.max r r')) by (rewrite <- Zle_Qle; lia).
  split; nra.
Qed.
