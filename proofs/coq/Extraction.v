(** The proven functions as OCaml. Numbers stay Coq's own (binary lists of digits): nothing is replaced. *)
From Cpwl Require Import SimplexChecker.
From Coq Require Import Extraction ExtrOcamlBasic.
Extraction Language OCaml.
Extraction "checker.ml" accepts broken accepts_points accepts_solid solid_broken accepts_places.
