"""Which of the real files and folders must be refused; all others must be read."""

REFUSED_REAL = [
    "odd-nifti/DERIVED-corrupt-gzip.nii.gz",
    "odd-nifti/DERIVED-empty-0-bytes.nii.gz",
    "odd-nifti/DERIVED-header-only.nii",
    "odd-nifti/DERIVED-not-gzip-but-named-gz.nii.gz",
    "odd-nifti/DERIVED-truncated.nii",
    "odd-nifti/DERIVED-truncated-half.nii.gz",
    "odd-nifti/complex64.nii.gz",
    "odd-nifti/invalid.nii",
    "odd-nifti/invalid.nii.gz",
    "odd-nifti/rgb24-ct-perfusion.nii.gz",
    "odd-nifti/rgba32.nii.gz",
    "odd-nifti/sheared-sform-itk-refuses.nii.gz",
    "ct-chest-slicerio/label.seg.nrrd",
    "ct-chest-slicerio/label-overlapping.seg.nrrd",
    "ct-chest-slicerio/labels.json",
    "dicom-rgb-secondary-capture/dicom",
    "dicom-noise-mr-two-orientations/dicom",
    "INDEX.md",
    "SHA256SUMS",
]
