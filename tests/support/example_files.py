"""The examples, and the files that each writes."""

from __future__ import annotations

FILES = {
    "01_first_partition.py": {"first_partition.png"},
    "02_your_own_network.py": {"your_own_network.png", "your_own_network.npz"},
    "03_exact_against_float.py": {"certificate.json.gz"},
    "04_segments.py": {"segments.png", "segments.csv"},
    "10_training_animation.py": {
        f"{name}{end}" for name in ("disc_and_annulus", "xor_of_annuli") for end in (".gif", ".mp4", "_curves.png")
    },
    "11_signed_distance.py": {"signed_distance.png", "signed_distance_layers.png"},
    "12_implicit_image.py": {"implicit_image.png"},
    "13_slices_of_a_solid.py": {"slices_of_a_solid.png", "middle_slice.png"},
    "14_lines_and_a_solid.py": {"along_a_line.png", "solid.npz"},
    "15_a_whole_input_space.py": {"whole_space.npz"},
    "16_verify_a_property.py": {"far.vnnlib"},
    "17_exact_surface.py": {"surface.ply", "surface.obj", "surface.html", "surface.png", "three_planes.png"},
    "30_regions_of_classifiers.py": {"regions_of_classifiers.png", "boundary_samples.png"},
    "31_augmentation.py": {"augmentation.csv", "augmentation.png"},
    "32_mnist_planes.py": {
        f"{name}_{what}"
        for name in ("digits", "mnist", "fashion-mnist")
        for what in ("plane.png", "square.json.gz", "samples.json.gz")
    },
    "20_xor.py": {"xor.png"},
    "21_few_maps.py": {"clusters.csv", "transfer.csv"},
}
