(** Convex polygons with matched edges and different canonical patterns are exactly the partition. *)
From Cpwl Require Export Cover Cells.
From Coq Require Import Lia.

(** * Polygons are cells *)
Notation pick := (chosen affine constant).
Notation on_pieces := (forms_on_pieces affine constant plus times).
Notation affine_on := (forms_on point affine (fun g x => at_ x g) constant).

Definition coordinates : list affine := [Affine 1 0 0; Affine 0 1 0].

Lemma affine_at_start l : affine_on (inside l) start coordinates.
Proof.
  intros x _. split; [reflexivity|]. unfold get, chosen, start, coordinates, at_.
  intros [|[|[|i]]]; simpl; ring.
Qed.

Lemma polygon_cell l : convex l -> cell point affine (fun g x => at_ x g) l (inside l).
Proof. intros C. split; [intros v V; now apply corner_inside | intros g H; now apply nonneg_on_hull]. Qed.

Lemma polygons_overlap l m x : interior l x -> interior m x -> overlap point affine (fun g x => at_ x g) (inside l) (inside m).
Proof. intros L M g P N. apply (zero_on_overlap l m _ x L M P N). Qed.

(** With a pattern on a polygon every number of the network is the affine function that the pattern stands for. *)
Theorem pattern_affine net l E known ks : convex l -> affine_on (inside l) E known ->
  pattern net (map E l) = Some ks -> affine_on (inside l) (fun x => run net (E x)) (on_pieces net ks known).
Proof.
  intros C. apply pattern_forms; auto using at_constant, at_plus, at_times, polygon_cell.
Qed.

(** Polygons whose interiors meet have one pattern. *)
Theorem separation net l m E known x p q : convex l -> convex m ->
  affine_on (inside l) E known -> affine_on (inside m) E known -> interior l x -> interior m x ->
  pattern net (map E l) = Some p -> pattern net (map E m) = Some q -> p = q.
Proof.
  intros CL CM AL AM XL XM.
  apply (cells_separate point affine (fun g x => at_ x g) constant plus times (fun c x => at_constant c x)
    (fun g h x => at_plus g h x) (fun w g x => at_times w g x) net l m (inside l) (inside m) E known);
  eauto using polygon_cell, polygons_overlap.
Qed.

(** * Tilings *)
Definition pattern_of (net : network) (l : list point) : option (list piece) := pattern net (map start l).

(** What is to be shown. A network's numbers are affine on a polygon with a pattern ([pattern_affine]); the
    listed regions are the largest such polygons, and each is listed once. *)
Record is_partition (net : network) (domain : list point) (regions : list (list point)) : Prop := {
  convex_with_pieces : forall r, In r regions -> convex r /\ exists ks, pattern_of net r = Some ks;
  within : forall r x, In r regions -> inside r x -> inside domain x;
  covers : forall x, inside domain x -> exists r, In r regions /\ inside r x;
  apart : forall i j r q x, nth_error regions i = Some r -> nth_error regions j = Some q ->
    interior r x -> interior q x -> i = j;
  affine_pieces : forall r, In r regions -> exists gs,
    forall x, inside r x -> length (run net (start x)) = length gs /\ forall i, get (run net (start x)) i == at_ x (pick gs i);
  largest_pieces : forall c ks, convex c -> (forall v, In v c -> inside domain v) -> pattern_of net c = Some ks ->
    exists i r, nth_error regions i = Some r /\ (forall x, inside c x -> inside r x) /\
    forall j q, nth_error regions j = Some q -> (forall x, inside c x -> inside q x) -> j = i
}.

(** The rules of a tiling. *)
Record tiling (net : network) (domain : list point) (regions : list (list point)) : Prop := {
  domain_convex : convex domain;
  regions_convex : forall r, In r regions -> convex r;
  corners_within : forall r v, In r regions -> In v r -> inside domain v;
  regions_some : regions <> [];
  edges_matched : forall r e, In r regions -> In e (edges r) -> matched domain regions e;
  patterns_some : forall r, In r regions -> exists ks, pattern_of net r = Some ks;
  patterns_differ : NoDup (map (pattern_of net) regions)
}.

Section Partition.
Variables (net : network) (domain : list point) (regions : list (list point)).
Hypothesis T : tiling net domain regions.

Lemma same_pattern l m x p q : convex l -> convex m -> interior l x -> interior m x ->
  pattern_of net l = Some p -> pattern_of net m = Some q -> p = q.
Proof. intros. apply (separation net l m start coordinates x p q); auto using affine_at_start. Qed.

Lemma overlap_is_same r q x : In r regions -> In q regions -> interior r x -> interior q x ->
  pattern_of net r = pattern_of net q.
Proof.
  intros R Q X Y. destruct (patterns_some _ _ _ T r R) as (p & P). destruct (patterns_some _ _ _ T q Q) as (p' & P').
  rewrite P, P'. f_equal. apply (same_pattern r q x); auto; eapply regions_convex; eauto.
Qed.

Lemma position i j r q : nth_error regions i = Some r -> nth_error regions j = Some q ->
  pattern_of net r = pattern_of net q -> i = j.
Proof.
  intros I J E. apply (proj1 (NoDup_nth_error _) (patterns_differ _ _ _ T)).
  - rewrite map_length. apply nth_error_Some. congruence.
  - rewrite !nth_error_map, I, J. simpl. now f_equal.
Qed.

(** A point on no line of an edge lies in the interior of the regions that it lies in. *)
Definition off_lines (x : point) : Prop := forall r e, In r regions -> In e (edges r) -> ~ at_ x (side e) == 0.

Lemma off_lines_interior x r : off_lines x -> In r regions -> inside r x -> interior r x.
Proof. intros O R I e E. specialize (I e E). specialize (O r e R E). lra. Qed.

Lemma interior_off_lines c : convex c -> exists x, interior c x /\ off_lines x.
Proof.
  intros C. destruct (interior_exists c C) as (z & Z).
  assert (S : small (fun s => forall r, In r regions -> forall e, In e (edges r) -> ~ at_ (shifted z s (s * s)) (side e) == 0)).
  { apply small_forall. intros r R. apply small_forall. intros e E. apply small_generic.
    destruct (interior_exists r (regions_convex _ _ _ T r R)) as (y & Y). exists y. specialize (Y e E). lra. }
  destruct (small_witness _ (small_and _ _ (small_interior_curve c z Z) S)) as (s & _ & _ & I & O).
  exists (shifted z s (s * s)). split; [exact I | intros r e R E; now apply (O r R e E)].
Qed.

Lemma tiling_covers x : inside domain x -> exists r, In r regions /\ inside r x.
Proof. destruct T. apply covered; assumption. Qed.

Lemma tiling_within r x : In r regions -> inside r x -> inside domain x.
Proof. destruct T. intros. eapply region_inside; eauto. Qed.

Lemma tiling_largest c ks : convex c -> (forall v, In v c -> inside domain v) -> pattern_of net c = Some ks ->
  exists i r, nth_error regions i = Some r /\ (forall x, inside c x -> inside r x) /\
  forall j q, nth_error regions j = Some q -> (forall x, inside c x -> inside q x) -> j = i.
Proof.
  intros C V K. destruct (interior_off_lines c C) as (z & Z & O).
  assert (IN : forall x, inside c x -> inside domain x).
  { intros x X s S. apply (nonneg_on_hull c); auto. intros v W. now apply V. }
  destruct (tiling_covers z (IN z (interior_inside _ _ Z))) as (r & R & I).
  assert (ZR := off_lines_interior z r O R I).
  assert (PAT : forall q x, In q regions -> interior q x -> interior c x -> pattern_of net q = Some ks).
  { intros q x Q X XC. destruct (patterns_some _ _ _ T q Q) as (p & P). rewrite P. f_equal.
    apply (same_pattern q c x); auto. now apply (regions_convex _ _ _ T). }
  destruct (In_nth_error _ _ R) as (i & NI). exists i, r. split; [exact NI|].
  assert (ONE : forall q x j, nth_error regions j = Some q -> interior q x -> interior c x -> j = i).
  { intros q x j J X XC. assert (Q := nth_error_In _ _ J). apply (position j i q r J NI).
    rewrite (PAT q x Q X XC), (PAT r z R ZR Z). reflexivity. }
  split.
  - intros y Y. destruct (inside_dec r y) as [|N]; [assumption | exfalso].
    destruct (outside_edge r y N) as (e & E & L).
    assert (FAR : small (fun s => at_ (toward y z s) (side e) < 0)).
    { generalize (small_negative _ (at_ z (side e) - at_ y (side e)) L). apply small_weaken.
      intros s _ H. rewrite at_toward. exact H. }
    assert (OFF : small (fun s => forall q, In q regions -> forall f, In f (edges q) -> ~ at_ (toward y z s) (side f) == 0)).
    { apply small_forall. intros q Q. apply small_forall. intros f F. assert (ZF := O q f Q F).
      assert (M : ~ at_ y (side f) == 0 \/ ~ at_ z (side f) - at_ y (side f) == 0).
      { destruct (Qeq_dec (at_ y (side f)) 0) as [A|]; [right; rewrite A; intros B; apply ZF; lra | now left]. }
      generalize (small_nonzero _ _ M). apply small_weaken. intros s _ H G. apply H. rewrite <- G, at_toward. reflexivity. }
    destruct (small_witness _ (small_and _ _ (small_interior c y z Y Z) (small_and _ _ FAR OFF))) as (s & _ & _ & XC & XE & XO).
    destruct (tiling_covers _ (IN _ (interior_inside _ _ XC))) as (q & Q & J).
    assert (XQ : interior q (toward y z s)).
    { apply off_lines_interior; auto. intros q' f Q' F. now apply (XO q' Q' f F). }
    destruct (In_nth_error _ _ Q) as (j & NJ). assert (j = i) as -> by (eapply ONE; eauto).
    assert (q = r) as -> by congruence. specialize (J e E). lra.
  - intros j q J SUB. assert (Q := nth_error_In _ _ J).
    apply (ONE q z j J); [|exact Z]. apply off_lines_interior; auto. apply SUB, interior_inside, Z.
Qed.

Theorem tiling_is_partition : is_partition net domain regions.
Proof.
  constructor.
  - intros r R. split; [now apply (regions_convex _ _ _ T) | now apply (patterns_some _ _ _ T)].
  - exact tiling_within.
  - exact tiling_covers.
  - intros i j r q x I J X Y. apply (position i j r q I J).
    apply (overlap_is_same r q x); eauto using nth_error_In.
  - intros r R. destruct (patterns_some _ _ _ T r R) as (ks & K). exists (on_pieces net ks coordinates).
    apply (pattern_affine net r start coordinates ks); auto using affine_at_start. now apply (regions_convex _ _ _ T).
  - exact tiling_largest.
Qed.
End Partition.

(** ** Claims that the corners of a tiling decide *)
(** Values are numbers of a point, given by their places in [run net (start x)]. *)
Definition output (net : network) (x : point) (i : nat) : Q := get (run net (start x)) i.

Section Claims.
Variables (net : network) (domain : list point) (regions : list (list point)).
Hypothesis T : tiling net domain regions.

Lemma pieces_at x : inside domain x -> exists r gs, In r regions /\ convex r /\ inside r x /\
  forall y, inside r y -> forall i, output net y i == at_ y (pick gs i).
Proof.
  intros X. destruct (tiling_covers net domain regions T x X) as (r & R & I).
  destruct (affine_pieces _ _ _ (tiling_is_partition _ _ _ T) r R) as (gs & G).
  exists r, gs. split; [exact R|]. split; [now apply (regions_convex _ _ _ T)|]. split; [exact I|].
  intros y Y. apply (G y Y).
Qed.

Theorem at_most i c : (forall r v, In r regions -> In v r -> output net v i <= c) ->
  forall x, inside domain x -> output net x i <= c.
Proof.
  intros H x X. destruct (pieces_at x X) as (r & gs & R & C & I & G).
  assert (K : 0 <= at_ x (minus (constant c) (pick gs i))).
  { apply (nonneg_on_hull r); auto. intros v V. rewrite at_minus, at_constant, <- G by now apply corner_inside.
    specialize (H r v R V). lra. }
  rewrite at_minus, at_constant, <- G in K by exact I. lra.
Qed.

Theorem at_least i c : (forall r v, In r regions -> In v r -> c <= output net v i) ->
  forall x, inside domain x -> c <= output net x i.
Proof.
  intros H x X. destruct (pieces_at x X) as (r & gs & R & C & I & G).
  assert (K : 0 <= at_ x (minus (pick gs i) (constant c))).
  { apply (nonneg_on_hull r); auto. intros v V. rewrite at_minus, at_constant, <- G by now apply corner_inside.
    specialize (H r v R V). lra. }
  rewrite at_minus, at_constant, <- G in K by exact I. lra.
Qed.

Theorem always_larger i j : (forall r v, In r regions -> In v r -> output net v j < output net v i) ->
  forall x, inside domain x -> output net x j < output net x i.
Proof.
  intros H x X. destruct (pieces_at x X) as (r & gs & R & C & I & G).
  assert (K : 0 < at_ x (minus (pick gs i) (pick gs j))).
  { apply (positive_on_hull r); auto. intros v V. rewrite at_minus, <- !G by now apply corner_inside.
    specialize (H r v R V). lra. }
  rewrite at_minus, <- !G in K by exact I. lra.
Qed.

Theorem always_equal i j : (forall r v, In r regions -> In v r -> output net v i == output net v j) ->
  forall x, inside domain x -> output net x i == output net x j.
Proof.
  intros H x X. destruct (pieces_at x X) as (r & gs & R & C & I & G).
  assert (K : 0 <= at_ x (minus (pick gs i) (pick gs j))).
  { apply (nonneg_on_hull r); auto. intros v V. rewrite at_minus, <- !G by now apply corner_inside.
    specialize (H r v R V). lra. }
  assert (L : 0 <= at_ x (minus (pick gs j) (pick gs i))).
  { apply (nonneg_on_hull r); auto. intros v V. rewrite at_minus, <- !G by now apply corner_inside.
    specialize (H r v R V). lra. }
  rewrite at_minus, <- !G in K, L by exact I. lra.
Qed.
End Claims.
