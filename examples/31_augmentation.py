"""What data augmentation does to the regions around images: a small VGG, trained with and without, on many slices.

Through each of some training images, test images and points off the data (uniform in the data's box) goes a square in a
random plane; both networks are measured on the same squares.

Run:  python examples/31_augmentation.py [folder] [--data FOLDER] [--small]
"""

import torch
from tools.images import Images, accuracy, arguments, load, names, train
from torch import nn

import cpwl
from cpwl.analysis import off_data, plot_study, study, summarised

options = arguments(__doc__)
COUNT, EPOCHS = (2, 1) if options.small else (20, 10)


def vgg(side):
    torch.manual_seed(0)
    layers, channels = [], 1
    for out in (4, 8):
        layers += [nn.Conv2d(channels, out, 3, padding=1), nn.ReLU(), nn.Conv2d(out, out, 3, padding=1), nn.ReLU()]
        layers, channels = [*layers, nn.MaxPool2d(2)], out
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(8 * (side // 4) ** 2, 32), nn.ReLU(), nn.Linear(32, 10))


def shifted(x):
    """Every image moved by up to an eighth of its side in both directions, with zeros coming in."""
    most = x.shape[-1] // 8
    padded = nn.functional.pad(x, [most] * 4)
    moves = torch.randint(2 * most + 1, (len(x), 2)).tolist()
    return torch.stack([p[:, i : i + x.shape[2], j : j + x.shape[3]] for p, (i, j) in zip(padded, moves, strict=True)])


name = names(options)[-1]  # Fashion-MNIST, if it is there
data = load(name, options.data)
if data.side == 28:
    data = Images(nn.functional.avg_pool2d(data.x, 2), data.y)  # 14 x 14: the example is to take a minute
known, test = data.parted(400 if name == "digits" else 2000)
networks = {}
for label, augment in {"plain": lambda x: x, "augmented": shifted}.items():
    model = train(vgg(data.side), known, EPOCHS, augment=augment)
    networks[label] = cpwl.compile(model, test.x[:1])
    print(
        f"{label}: {accuracy(model, known):.1%} of the training images right, {accuracy(model, test):.1%} of the others"
    )

images = known.x.double().numpy()
points = {"train": images[:COUNT], "test": test.x[:COUNT].double().numpy(), "off data": off_data(images, COUNT, seed=0)}
table = study(networks, points, side=0.1, seed=0)
print(f"{len(table)} slices, {table.regions.sum():,} regions")
table.to_csv(options.folder / "augmentation.csv", index=False)
found = summarised(table, measures=["regions", "ARV", "median eccentricity", "mean slope"], quantiles=[0.5])
print(found.to_string(float_format="{:.3g}".format))
drawn = plot_study(table, measures=["regions", "median eccentricity", "mean slope"])
drawn.savefig(options.folder / "augmentation.png", dpi=80)
