(** What each theorem rests on: "Closed under the global context" means no axiom and nothing admitted. *)
From Cpwl Require Import SimplexChecker Balls.

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
Print Assumptions simplices_cover.
Print Assumptions pattern_forms.
Print Assumptions cells_separate.
Print Assumptions simplices_are_partition.
Print Assumptions solid_sound.
Print Assumptions places_sound.
Print Assumptions quotient_holds.
Print Assumptions combination_holds.
Print Assumptions coarse_radius.
Print Assumptions crossing_holds.
Print Assumptions interpolation_holds.
Print Assumptions equal_centres_hold.
