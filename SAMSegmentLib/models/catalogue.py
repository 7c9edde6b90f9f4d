"""The models there are: where their weights come from, how to know them, and what each is good for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..errors import InputError

Family = Literal["builtin", "sam", "mobile_sam", "medsam"]
DigestName = Literal["SHA-256", "MD5"]
PromptKind = Literal["point", "box", "mask"]


@dataclass(frozen=True)
class CatalogueEntry:
    """What is published about one model.

    :param name: what ``--model`` takes.
    :param family: which code runs it.
    :param file_name: name of its weights file in a weights folder.
    :param url: where the file is published; None when it is part of this package.
    :param size: of the file in bytes.
    :param sha256: hexadecimal digest of the file, None where nobody published it.
    :param licence: of the weights, as an SPDX expression or a few words.
    :param prompts: the kinds of prompts that it was trained for.
    :param description: one sentence on what it is good for.
    :param md5: where no SHA-256 was published: enough against damage, and against another file put in its place; only
        whoever made the file could have made a second one with the same MD5.
    """

    name: str
    family: Family
    file_name: str
    url: str | None
    size: int
    sha256: str | None
    licence: str
    prompts: tuple[PromptKind, ...]
    description: str
    md5: str | None = None

    @property
    def digest_name(self) -> DigestName:
        """Which digest the file is checked by."""
        return "MD5" if self.sha256 is None else "SHA-256"

    @property
    def digest(self) -> str:
        """The digest that the file is checked by, hexadecimal."""
        published = self.md5 if self.sha256 is None else self.sha256
        if published is None:
            raise ValueError(f"{self.name} is in the catalogue without a digest")
        return published


BUILTIN = "builtin"  # the model that is used when none is named

_ALL_PROMPTS: tuple[PromptKind, ...] = ("point", "box", "mask")
_SAM_FOLDER = "https://dl.fbaipublicfiles.com/segment_anything/"

# SAM: checkpoints of facebookresearch/segment-anything (Kirillov et al., 2023). MobileSAM: ChaoningZhang/MobileSAM
# (Zhang et al., Faster Segment Anything, 2023). Their authors publish no digests; several independent public sources
# agree on each size and SHA-256 (micro-sam's registry of models, for one). MedSAM: bowang-lab/MedSAM (Ma et al., 2024);
# only the MD5 of Zenodo's file is published, and the repository and the Zenodo record state different licences.
CATALOGUE: tuple[CatalogueEntry, ...] = (
    CatalogueEntry(
        name=BUILTIN,
        family="builtin",
        file_name="builtin.safetensors",
        url=None,
        size=6_030_960,
        sha256="d7c1ec13b5399fca62ca3118278903377515e323ed6e9967da8f72eec48733b2",
        licence="Apache-2.0",
        prompts=_ALL_PROMPTS,
        description="Small and fast on any processor, trained on synthetic slices only: clear outlines with a box or a "
        "few clicks, not faint, ring-shaped or scattered structures.",
    ),
    CatalogueEntry(
        name="mobile_sam",
        family="mobile_sam",
        file_name="mobile_sam.pt",
        url="https://github.com/ChaoningZhang/MobileSAM/raw/a509aac54fdd7af59f843135f2f7cee307283c88/weights/mobile_sam.pt",
        size=40_728_226,
        sha256="6dbb90523a35330fedd7f1d3dfc66f995213d81b29a5ca8108dbcdd4e37d6c2f",
        licence="Apache-2.0",
        prompts=_ALL_PROMPTS,
        description="Segment Anything with a small image encoder that was taught by sam_vit_h's (MobileSAM): the same "
        "prompts and the same limits on medical images, less exact outlines, for a tenth of sam_vit_b's work.",
    ),
    CatalogueEntry(
        name="sam_vit_b",
        family="sam",
        file_name="sam_vit_b_01ec64.pth",
        url=_SAM_FOLDER + "sam_vit_b_01ec64.pth",
        size=375_042_383,
        sha256="ec2df62732614e57411cdcf32a23ffdf28910380d03139ee0f4fcbe91eb8c912",
        licence="Apache-2.0",
        prompts=_ALL_PROMPTS,
        description="Segment Anything's smallest, trained on photographs: good on organs with clear, closed outlines, "
        "poor on low contrast, small or branching structures; seconds a slice without a graphics processor.",
    ),
    CatalogueEntry(
        name="sam_vit_l",
        family="sam",
        file_name="sam_vit_l_0b3195.pth",
        url=_SAM_FOLDER + "sam_vit_l_0b3195.pth",
        size=1_249_524_607,
        sha256="3adcc4315b642a4d2101128f611684e8734c41232a17c648ed1693702a49a622",
        licence="Apache-2.0",
        prompts=_ALL_PROMPTS,
        description="Segment Anything's middle size: more exact than sam_vit_b on the same kinds of structures, for "
        "about three times the work.",
    ),
    CatalogueEntry(
        name="sam_vit_h",
        family="sam",
        file_name="sam_vit_h_4b8939.pth",
        url=_SAM_FOLDER + "sam_vit_h_4b8939.pth",
        size=2_564_550_879,
        sha256="a7bf3b02f3ebf1267aba913ff637d9a2d5c33d3173bb679e46d9f338c26f262e",
        licence="Apache-2.0",
        prompts=_ALL_PROMPTS,
        description="Segment Anything's largest and most exact, with the same limits on medical images; "
        "worth its time on a graphics processor only.",
    ),
    CatalogueEntry(
        name="medsam_vit_b",
        family="medsam",
        file_name="medsam_vit_b.pth",
        url="https://zenodo.org/records/10689643/files/medsam_vit_b.pth",
        size=375_049_145,
        sha256=None,
        md5="3bb6db55bd0c9ca30b61248bca72f8d6",
        licence="Apache-2.0 (repository), CC-BY-4.0 (Zenodo record)",
        prompts=("box",),
        description="sam_vit_b trained on 1.5 million medical masks: organs and tumours within a box, also at low "
        "contrast; takes boxes only, and its other candidates and predicted IoU were not trained.",
    ),
)


def catalogue_entry(name: str) -> CatalogueEntry:
    """The entry of a name.

    :raises InputError: there is none; the sentence lists the names.
    """
    for entry in CATALOGUE:
        if entry.name == name:
            return entry
    names = ", ".join(entry.name for entry in CATALOGUE)
    raise InputError(f"There is no model {name!r}; choose one of {names}.")


def prompt_kinds(name: str) -> tuple[PromptKind, ...]:
    """The kinds of prompts that a model was trained for; all of them where the catalogue does not know the model."""
    return next((entry.prompts for entry in CATALOGUE if entry.name == name), _ALL_PROMPTS)
