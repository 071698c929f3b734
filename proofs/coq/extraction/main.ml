(* Reads a certificate in the plain form that tests/support/coq_form.py writes and prints what the proven checker says of it.
   Not proven: this file (reading), and the translation of the certificate into the plain form. *)
open Checker

let words =
  let rec from acc = match input_line stdin with
    | line -> from (List.rev_append (List.filter (( <> ) "") (String.split_on_char ' ' line)) acc)
    | exception End_of_file -> List.rev acc
  in
  ref (from [])

let word () = match !words with
  | [] -> failwith "the input ends too early"
  | first :: rest -> words := rest; first

let keyword expected =
  let found = word () in
  if found <> expected then failwith (expected ^ " is wanted, not " ^ found)

let number () =
  let n = int_of_string (word ()) in
  if n < 0 then failwith "a count is negative" else n

let nat_of n =
  let rec count n acc = if n = 0 then acc else count (n - 1) (S acc) in
  count n O

let int_of n =
  let rec count n acc = match n with O -> acc | S m -> count m (acc + 1) in
  count n 0

let index () = nat_of (number ())

let many read =
  let rec repeat n acc = if n = 0 then List.rev acc else repeat (n - 1) (read () :: acc) in
  repeat (number ()) []

(* Binary digits '0', '1', most significant first, after an optional minus sign; no leading zero but "0" itself. *)
let positive digits =
  let extend p = function '0' -> XO p | '1' -> XI p | _ -> failwith "a digit is not binary" in
  if digits = "" || digits.[0] <> '1' then failwith "a number begins with 1";
  Seq.fold_left extend XH (String.to_seq (String.sub digits 1 (String.length digits - 1)))

let integer digits =
  if digits = "0" then Z0
  else if digits.[0] = '-' then Zneg (positive (String.sub digits 1 (String.length digits - 1)))
  else Zpos (positive digits)

let rational () = match String.split_on_char '/' (word ()) with
  | [p; q] -> { qnum = integer p; qden = positive q }
  | _ -> failwith "a number is p/q"

let pair first second () = let a = first () in (a, second ())
let point () = let x = rational () in { px = x; py = rational () }

let node () = match word () with
  | "linear" -> let terms = many (pair rational index) in Linear (terms, rational ())
  | "piecewise" ->
    let first = rational () in
    let value = rational () in
    let slope = rational () in
    let pieces = many (pair rational rational) in
    Piecewise (first, value, slope, pieces, index ())
  | "maximum" -> (match many index with i :: rest -> Maximum (i, rest) | [] -> failwith "a maximum of nothing")
  | other -> failwith ("there is no node " ^ other)

let claim () = match word () with
  | "regions" -> RegionCount (index ())
  | "largest" -> let i = index () in let value = rational () in Largest (i, value, index ())
  | "smallest" -> let i = index () in let value = rational () in Smallest (i, value, index ())
  | "decision" -> let i = index () in Decision (i, many index)
  | "equality" -> Equality (many (pair index index))
  | other -> failwith ("there is no claim " ^ other)

let fact () = match word () with
  | "equal" -> let i = index () in Equal (i, index ())
  | "unequal" -> let i = index () in Unequal (i, index ())
  | "not-above" -> let i = index () in NotAbove (i, index ())
  | "level" -> let i = index () in Level (i, rational ())
  | "different" -> let k = index () in Different (k, index ())
  | other -> failwith ("there is no fact " ^ other)

let section name read = keyword name; many read

let verdict accepted broken =
  if accepted then "accepted"
  else
    match broken with
    | [] -> "rejected: the claim"
    | rules -> "rejected: rules " ^ String.concat " " (List.map (fun n -> string_of_int (int_of n)) rules)

let judge_tiling net domain =
  let vertices = section "vertices" point in
  let regions = section "regions" (fun () -> many index) in
  keyword "claim";
  let claimed = claim () in
  let certificate = { net; domain; vertices; regions } in
  verdict (accepts certificate claimed) (broken certificate)

let judge_points net domain =
  let sample = section "points" (pair point (fun () -> many fact)) in
  if accepts_points net domain sample then "accepted" else "rejected: the claim"

let form () = let slopes = many rational in { slopes; shift = rational () }

let judge_simplices solid_net dimension halfspaces =
  let points = section "vertices" (fun () -> many rational) in
  let parts = section "regions" (fun () -> many (fun () -> many index)) in
  keyword "claim";
  let claimed = claim () in
  let solid = { dimension; solid_net; halfspaces; points; parts } in
  verdict (accepts_solid solid claimed) (solid_broken solid)

let judge_places net dimension halfspaces =
  let sample = section "points" (pair (fun () -> many rational) (fun () -> many fact)) in
  if accepts_places dimension net halfspaces sample then "accepted" else "rejected: the claim"

let proof planar other = match word () with
  | "tiling" -> planar
  | "sample" -> other
  | kind -> failwith ("there is no proof of the kind " ^ kind)

let () =
  let net = section "network" node in
  print_endline (match word () with
    | "domain" -> let domain = many point in (proof judge_tiling judge_points) net domain
    | "dimension" ->
      let dimension = index () in
      let halfspaces = section "halfspaces" form in
      (proof judge_simplices judge_places) net dimension halfspaces
    | other -> failwith ("there is no domain of the kind " ^ other))
