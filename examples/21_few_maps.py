"""How few affine maps a classifier needs, and how alike those of four classifiers are: k-means and affine-map tables.

After Sattelberg et al., "Locally linear attributes of ReLU neural networks" (2023): a dense network, two convolutional
ones and a ResNet, trained on MNIST's test set but for its last images (scikit-learn's digits where it is not there).

Run:  python examples/21_few_maps.py [folder] [--data FOLDER] [--small]
"""

import pandas
import torch
from tools.images import arguments, load, names, train
from torch import nn

import cpwl
from cpwl.analysis.clusters import cluster_table
from cpwl.analysis.maps_at_points import local_maps
from cpwl.analysis.transfer import Represented, transfer_table

options = arguments(__doc__)
FIT, TEST, EPOCHS = (100, 50, 10) if options.small else (1000, 500, 5)


class Block(nn.Module):
    def __init__(self, c, out):
        super().__init__()
        down, norm, same = nn.Conv2d(c, out, 3, 2, 1), nn.BatchNorm2d(out), nn.Conv2d(out, out, 3, 1, 1)
        self.body, self.skip = nn.Sequential(down, norm, nn.ReLU(), same), nn.Conv2d(c, out, 1, 2)

    def forward(self, x):
        return torch.relu(self.body(x) + self.skip(x))


def conv(n, down, stride):
    first, second = nn.Conv2d(1, 8, 3, stride, 1), nn.Conv2d(8, 16, 3, stride, 1)
    return nn.Sequential(first, nn.ReLU(), down, second, nn.ReLU(), down, nn.Flatten(), nn.Linear(n * n, 10))


images = load(names(options)[0], options.data)
learnt, test = images.parted(TEST)
n = images.side
models = {
    "dense": lambda: nn.Sequential(nn.Flatten(), nn.Linear(n * n, 64), nn.ReLU(), nn.Linear(64, 10)),
    "conv": lambda: conv(n, nn.Identity(), 2),
    "pooled conv": lambda: conv(n, nn.MaxPool2d(2), 1),
    "ResNet": lambda: nn.Sequential(Block(1, 8), Block(8, 16), nn.AvgPool2d(n // 4), nn.Flatten(), nn.Linear(16, 10)),
}
tables, vectors, labels = {}, {}, test.y.numpy()
for name, model in models.items():
    torch.manual_seed(0)
    net = cpwl.compile(train(model(), learnt, EPOCHS), images.x[:1])
    fitted, judged = (local_maps(net, x.double()) for x in (learnt.x[:FIT], test.x))
    print(f"{name}: {net.units} units, accuracy {(judged.classes == labels).mean():.1%}, {fitted}", flush=True)
    tables[name] = cluster_table(fitted, [1, 2, 5, 10, 20, 50], test=judged, labels=labels)
    vectors[name] = Represented.by_maps(fitted, judged)
clusters, transfer = pandas.concat(tables, names=["network"]), transfer_table(vectors, labels)
clusters.to_csv(options.folder / "clusters.csv")
transfer.to_csv(options.folder / "transfer.csv")
print(f"\nAccuracy of k maps\n{clusters['accuracy'].unstack('network')[list(tables)].round(3).to_string()}")
print(f"\nMaps of one network taken to those of another\n{transfer.to_string(float_format='{:.3f}'.format)}")
