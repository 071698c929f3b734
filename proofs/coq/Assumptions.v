(** What each theorem rests on: "Closed under the global context" means no axiom and nothing admitted. *)
From Cpwl Require Import Checker.

Print Assumptions nonneg_on_hull.
Print Assumptions pattern_affine.
Print Assumptions piecewise_slope.
Print Assumptions piecewise_value.
Print Assumptions separation.
Print Assumptions covered.
Print Assumptions turns_once_convex.
Print Assumptions area_positive.
Print Assumptions tiling_is_partition.
Print Assumptions sound.
Print Assumptions points_sound.
