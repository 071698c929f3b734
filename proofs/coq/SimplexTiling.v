(** Regions cut into simplices that match, with different canonical patterns, are exactly the partition: Theorem 6 of
    proofs/, in every dimension. What is said of networks is that of [Cells]. *)
From Coq Require Import Lia.
From Cpwl Require Export Cells Simplices.

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

(** * The space of [d] dimensions *)
Definition level (c : Q) : form := Form [] c.

Lemma height_level c x : height (level c) x == c.
Proof. unfold Simplices.height, level. rewrite firstn_nil. simpl. ring. Qed.

Notation chosen := (chosen form level).
Notation forms_on_pieces := (forms_on_pieces form level sum scaled).
Notation forms_on := (forms_on place form height level).
Notation cell := (cell place form height).
Notation less := (less form sum scaled).
Notation overlap := (overlap place form height).
Notation height_less := (height_less place form height sum scaled (height_sum d) (height_scaled d)).
Notation pattern_forms := (pattern_forms place form height level sum scaled height_level (height_sum d) (height_scaled d)).
Notation cells_separate := (cells_separate place form height level sum scaled height_level (height_sum d) (height_scaled d)).
Notation cell_corner := (cell_corner place form height).
Notation cell_hull := (cell_hull place form height).
Notation overlap_sym := (overlap_sym place form height scaled (height_scaled d)).

Definition around (R : place -> Prop) (x : place) : Prop := forall y, small (fun s => R (between x y s)).

Lemma around_overlap R R' x : around R x -> around R' x -> overlap R R'.
Proof.
  intros A B g P N y.
  assert (X : height g x == 0).
  { destruct (small_witness _ (small_and _ _ (A x) (B x))) as (s & _ & _ & U & V). apply P in U. apply N in V.
    rewrite height_between in U, V. assert (s * (height g x - height g x) == 0) by ring. lra. }
  destruct (small_witness _ (small_and _ _ (A y) (B y))) as (s & S & _ & U & V). apply P in U. apply N in V.
  rewrite height_between, X in U, V. assert (Z : s * height g y == 0) by lra. apply Qmult_integral in Z. destruct Z; lra.
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
    apply (around_overlap _ _ y); [now apply (around_region r s) | now apply around_simplex].
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
    apply (around_overlap _ _ z); [now apply (around_region q s') | now apply around_simplex].
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
    apply (around_overlap _ _ x); [now apply (around_region r s) | now apply (around_region q s')].
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
