"""Finding DICOM files and reading their headers; the pixels stay in the files."""

from __future__ import annotations

import os
import struct
import warnings
import zlib
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import InputError
from ..checks import check_readable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from pydicom import Dataset

# A study of a busy scanner has a few thousand images; a whole disk scanned by mistake has millions of files.
MAX_FILES = 20_000

# How many file names one note lists.
_NAMES_IN_NOTE = 3

# Read as they are; the other tags are read with more care, since a volume can do without them.
_PLAIN_TAGS = [
    "SOPClassUID",
    "SOPInstanceUID",
    "SeriesInstanceUID",
    "SeriesNumber",
    "SeriesDescription",
    "Modality",
    "SpecificCharacterSet",
    "Rows",
    "Columns",
    "NumberOfFrames",
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "BitsAllocated",
    "BitsStored",
    "PixelRepresentation",
    "ModalityLUTSequence",
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
]

_TAGS = [
    *_PLAIN_TAGS,
    "InstanceNumber",
    "SeriesDate",
    "SeriesTime",
    "AcquisitionDate",
    "AcquisitionTime",
    "AcquisitionDateTime",
    "TemporalPositionIdentifier",
    "TriggerTime",
    "FrameIncrementPointer",
    "PixelSpacing",
    "ImagerPixelSpacing",
    "SliceThickness",
    "SpacingBetweenSlices",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "RescaleSlope",
    "RescaleIntercept",
    "WindowCenter",
    "WindowWidth",
]

_STORAGE_CLASSES = "1.2.840.10008.5.1.4."
_DIRECTORY_CLASS = "1.2.840.10008.1.3.10"

# Objects with rows and columns that are results or plans about an image, not the image (DICOM PS3.4 B.5).
_DERIVED_CLASSES = (
    "1.2.840.10008.5.1.4.1.1.30",  # Parametric Map
    "1.2.840.10008.5.1.4.1.1.66.4",  # Segmentation
    "1.2.840.10008.5.1.4.1.1.66.7",  # Label Map Segmentation
    "1.2.840.10008.5.1.4.1.1.481.2",  # RT Dose
)


@dataclass(frozen=True, eq=False)
class Header:
    """The header of one DICOM file, read only as far as volumes need it."""

    path: Path
    dataset: Dataset

    @property
    def series_uid(self) -> str:
        """The SeriesInstanceUID, "" when there is none."""
        return str(self.dataset.get("SeriesInstanceUID") or "")

    @property
    def instance_uid(self) -> str:
        """The SOPInstanceUID, "" when there is none."""
        return str(self.dataset.get("SOPInstanceUID") or "")

    @property
    def class_name(self) -> str:
        """What kind of object it is, e.g. "CT Image" or "Segmentation"."""
        return str(self.dataset.SOPClassUID.name).removesuffix(" Storage")

    @property
    def has_pixels(self) -> bool:
        """Whether it says how many rows and columns of pixels it has."""
        return all(
            isinstance(count, int) and count > 0 for count in (self.dataset.get("Rows"), self.dataset.get("Columns"))
        )

    @property
    def unsuitable(self) -> str:
        """Why it cannot become a volume, as a short name of what it is; "" when it can."""
        dataset = self.dataset
        if dataset.SOPClassUID in _DERIVED_CLASSES or not self.has_pixels:
            return self.class_name
        if not str(dataset.get("PhotometricInterpretation", "MONOCHROME2")).startswith("MONOCHROME"):
            return f"colour {self.class_name}"
        positioned = "ImagePositionPatient" in dataset or "PerFrameFunctionalGroupsSequence" in dataset
        if "Secondary Capture" in self.class_name and not positioned:
            # A screenshot: its pixels are not samples of the patient.
            return f"{self.class_name} without a position"
        return ""


@dataclass(frozen=True)
class Scan:
    """What a file or a folder holds: headers of images, counts of other DICOM objects, and what was ignored."""

    images: tuple[Header, ...]
    others: Counter[str]
    damaged: tuple[Path, ...] = ()
    foreign: tuple[Path, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """One sentence for each kind of thing that was left out."""
        notes = [f"Skipped {counted(count, name)}." for name, count in sorted(self.others.items())]
        if self.damaged:
            notes.append(f"Ignored {_listed(self.damaged, 'damaged DICOM file')}.")
        if self.foreign:
            notes.append(f"Ignored {_listed(self.foreign, 'file')} that cannot be read as DICOM.")
        return tuple(notes)


def counted(count: int, name: str) -> str:
    """E.g. "2 Segmentation objects"."""
    return f"{count} {name} object{'s' if count != 1 else ''}"


def _listed(paths: tuple[Path, ...], what: str) -> str:
    names = ", ".join(path.name for path in paths[:_NAMES_IN_NOTE])
    more = " ..." if len(paths) > _NAMES_IN_NOTE else ""
    return f"{len(paths)} {what}{'s' if len(paths) != 1 else ''} ({names}{more})"


def reading_errors() -> tuple[type[Exception], ...]:
    """What pydicom raises on damaged files while it reads a file or converts an element.

    It has no common base class for them. To be caught around calls of pydicom only.
    """
    from pydicom.errors import BytesLengthException, InvalidDicomError

    return (
        BytesLengthException,  # an element's length is no multiple of that of its values
        EOFError,  # the file ends within an element
        InvalidDicomError,  # no preamble
        NotImplementedError,  # pydicom raises it for a value representation that no standard knows: a damaged element
        OSError,  # the file cannot be read, or a sequence ends within an item
        OverflowError,  # a number string too large for a number
        RecursionError,  # sequences within sequences without end
        ValueError,  # text, a number string or a transfer syntax that cannot be one
        struct.error,  # the file ends within a number
        zlib.error,  # a damaged deflated data set
    )


def element_value(dataset: Dataset, keyword: str) -> Any:
    """The value of an element, None when it is missing or damaged."""
    try:
        return dataset.get(keyword)
    except reading_errors():
        return None


def items_of(dataset: Dataset, keyword: str) -> list[Dataset]:
    """The items of a sequence, none when it is missing, damaged or no sequence."""
    from pydicom import Sequence

    value = element_value(dataset, keyword)
    return list(value) if isinstance(value, Sequence) else []


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Keep the libraries' warnings about odd headers from the user: what matters is said by notes and errors."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="(pydicom|highdicom)")
        yield


def is_dicom_file(path: Path) -> bool:
    """Whether a file is DICOM, by its content: with the usual preamble, or a bare data set of a known storage class.

    :raises InputError: the file cannot be opened.
    """
    check_readable(path)
    with quiet_libraries():
        preamble, plausible = _first_look(path)
        return preamble or (plausible and _read(path, bare=True) is not None)


def is_segmentation(path: Path) -> bool:
    """Whether a DICOM file is a Segmentation object, as they are written here; False also when it cannot be read."""
    with quiet_libraries():
        header = _read(path, bare=False)
    return header is not None and header.unsuitable == "Segmentation"


def scan_file(path: Path) -> Scan:
    """The scan of a single file.

    :raises InputError: not DICOM, damaged, or not a grey-value image.
    """
    preamble, plausible = _first_look(path)
    header = _read(path, bare=not preamble) if preamble or plausible else None
    if header is None:
        state = "a damaged DICOM file" if preamble else "not a DICOM file"
        raise InputError(f"{path} is {state}; get it again from its source.")
    if header.unsuitable:
        raise InputError(
            f"{path} is a {header.unsuitable} object, not a grey-value image of the patient; "
            "open the image series that it belongs to."
        )
    return Scan((header,), Counter())


def scan_folder(folder: Path) -> Scan:
    """The scan of a folder and its sub-folders (links to folders are not followed).

    :raises InputError: it holds more than ``MAX_FILES`` files, or none that is a DICOM image.
    """
    images: list[Header] = []
    others: Counter[str] = Counter()
    damaged: list[Path] = []
    foreign: list[Path] = []
    for path in _files_below(folder):
        preamble, plausible = _first_look(path, missing_is_foreign=True)
        header = _read(path, bare=not preamble) if preamble or plausible else None
        if header is None:
            (damaged if preamble else foreign).append(path)
        elif header.dataset.SOPClassUID == _DIRECTORY_CLASS:
            continue
        elif header.unsuitable:
            others[header.unsuitable] += 1
        else:
            images.append(header)
    if not images:
        found = [counted(count, name) for name, count in sorted(others.items())]
        found += [_listed(tuple(damaged), "damaged DICOM file")] if damaged else []
        content = f"no grey-value DICOM image, only {', '.join(found)}" if found else "no DICOM file"
        raise InputError(f"{folder} holds {content}; choose the folder of an image series.")
    return Scan(tuple(images), others, tuple(damaged), tuple(foreign))


def images_beside(header: Header) -> int:
    """How many other images of the same series lie in the same folder; copies count once."""
    found = set()
    for sibling in _files_in(header.path.parent)[:MAX_FILES]:
        preamble, _ = _first_look(sibling, missing_is_foreign=True)
        other = _read(sibling, bare=False) if preamble else None
        if other is not None and other.series_uid == header.series_uid and not other.unsuitable:
            found.add(other.instance_uid)
    return len(found - {header.instance_uid})


def _files_below(folder: Path) -> list[Path]:
    files: list[Path] = []
    for parent, _, names in os.walk(folder, followlinks=False):
        files.extend(Path(parent, name) for name in names)
        if len(files) > MAX_FILES:
            raise InputError(f"{folder} holds more than {MAX_FILES} files; choose the folder of one study or series.")
    return sorted(filter(_is_plain_file, files))


def _files_in(folder: Path) -> list[Path]:
    try:
        return sorted(filter(_is_plain_file, folder.iterdir()))
    except OSError:
        return []


def _is_plain_file(path: Path) -> bool:
    """Whether it is a file that opening will not block on; False where permissions keep that secret."""
    try:
        return path.is_file()
    except OSError:
        return False


def _first_look(path: Path, *, missing_is_foreign: bool = False) -> tuple[bool, bool]:
    """Whether a file has the DICOM preamble, and whether it might be a data set without one."""
    try:
        with path.open("rb") as file:
            start = file.read(132)
    except OSError as error:
        if missing_is_foreign:
            return False, False
        raise InputError(f"{path} cannot be opened ({error.strerror}); check its name and permissions.") from error
    # A bare data set begins with a low element of group 0002 or 0008, in either byte order.
    groups = start[:4]
    little = len(groups) == 4 and groups[0] in (2, 8) and groups[1] == 0 and groups[3] == 0
    big = len(groups) == 4 and groups[1] in (2, 8) and groups[0] == 0 and groups[2] == 0
    return start[128:132] == b"DICM", little or big


def _read(path: Path, *, bare: bool) -> Header | None:
    """The header, None when it cannot be read or does not say what it is."""
    from pydicom import dcmread
    from pydicom.uid import UID

    try:
        dataset = dcmread(path, stop_before_pixels=True, specific_tags=list(_TAGS), force=bare)
        storage_class = dataset.get("SOPClassUID") or dataset.file_meta.get("MediaStorageSOPClassUID")
        # pydicom converts values when they are first asked for: damage is to be found here, where it has a file.
        for keyword in _PLAIN_TAGS:
            dataset.get(keyword)
    except reading_errors():
        return None
    # Damage can make two values of the one, or no UID at all.
    if not isinstance(storage_class, UID) or (bare and not storage_class.startswith(_STORAGE_CLASSES)):
        return None
    dataset.SOPClassUID = storage_class
    header = Header(path, dataset)
    return None if storage_class.name.endswith("Image Storage") and not header.has_pixels else header
