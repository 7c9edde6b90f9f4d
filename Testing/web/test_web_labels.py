"""The letters at the edges of the slice views."""

import pytest
import slicer
import vtk

from SAMSegmentWeb.view_labels import view_labels


def _view(right, up):
    """A view whose columns and rows run along these RAS directions."""
    node = slicer.vtkMRMLSliceNode()
    matrix = vtk.vtkMatrix4x4()
    normal = [0.0, 0.0, 0.0]
    vtk.vtkMath.Cross(right, up, normal)
    for column, direction in enumerate((right, up, normal)):
        for row in range(3):
            matrix.SetElement(row, column, direction[row])
    node.GetSliceToRAS().DeepCopy(matrix)
    return node


@pytest.mark.parametrize(
    ("right", "up", "labels"),
    [
        pytest.param((-1, 0, 0), (0, 1, 0), ("R", "L", "A", "P", "Axial"), id="axial, as radiologists look"),
        pytest.param((-1, 0, 0), (0, 0, 1), ("R", "L", "S", "I", "Coronal"), id="coronal"),
        pytest.param((0, -1, 0), (0, 0, 1), ("A", "P", "S", "I", "Sagittal"), id="sagittal"),
        pytest.param((-0.98, 0.2, 0), (0.2, 0.98, 0), ("R", "L", "A", "P", "Axial"), id="a little turned"),
        pytest.param((-0.8, 0.6, 0), (0.6, 0.8, 0), ("RP", "LA", "AR", "PL", "Axial"), id="oblique"),
    ],
)
def test_letters_name_the_sides_of_the_patient(right, up, labels):
    found = view_labels(_view(right, up))
    assert tuple(found[edge] for edge in ("left", "right", "top", "bottom", "title")) == labels
