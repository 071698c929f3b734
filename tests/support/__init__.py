"""What tests share; benchmarks use some of it. Nothing here is collected by pytest.

agreement: how a float partition differs from the exact one
ambiguity: what ``predicates="float"`` gets wrong without listing it
blocks: partitions made in small blocks, an executor that stays here, and when two partitions are the same
certify_inputs: networks with every kind of unit, also as exact models; partitions that are wrong on purpose
checker_fuzz: certificates changed at random, and whether what one claims is true
checker_inputs: small certificates of every kind
clocks: clocks that go on by being looked at
command_line: ``cpwl`` called in this process
conformance: laws of every backend's planar arrangements
conformance_inputs: inputs for these laws
coordinates: how far rounded coordinates, areas and places are from the exact ones
coq_form: certificates as the checker made from Coq reads them
cuts: how far ends of boundaries are from the exact ones
damage: damaged, forged and hostile files
equal_pairs: pairs of networks that are one function, written in different ways
exact_bounds: bounds on regions in Fractions, from their text, an oracle
exact_conv: convolutions and windows in exact arithmetic, an oracle
exact_model: networks on the plane in exact arithmetic, an oracle
example_files: the files that each example writes
families: degenerate networks by family and seed
float_words: certificates whose weights are float64 words
full_disk: a disk that is full
fuzz_onnx: mutated ONNX files; a command too
hostile_files: short certificates that would keep a checker busy, or fill its memory
image_planes: planes through real images, for small convolutional networks
lattices: boxes of any dimension, cut by functions, and laws of lattices
layers: the list of the layers, and what modules import
local_networks: networks that hold every operator, and the same in torch
named_inputs: certificates with named vertices, changes of them, and the same with exact coordinates
networks: random networks of all kinds
nnet_file: an .nnet file that uses all that the format has
notebooks: runs the notebooks of the examples and stores what they show; a command
onnx_models: ONNX models, and onnxruntime's answers
pages: runs the code of the documentation's pages; a command too
parquet: a folder of regions as a reader of Parquet sees it
properties: properties of small degenerate networks, and whether they hold, by vertex enumeration
public: all that the library lets one call or read
real_data: networks and data of other people, in ``shared/data``
segment_cases: networks and segments, generic and with ties of every kind
shapes: networks of three inputs whose level sets are known
short_networks: networks with weights of few digits, of all kinds of operators
sign_vectors: the patterns of a ReLU network by exact linear programs
simplex_fuzz: certificates by simplices, changed at random, and whether they list the regions
solid_inputs: small certificates of every kind on lines, in space and in four dimensions
solids: arrangements and partitions of every dimension, by independent means, and laws
third_backend: a backend that is the exact one under another name
third_party: architectures of torchvision
torch_modules: torch modules in small integers
view_parts: small partitions whose pages are looked at
"""
