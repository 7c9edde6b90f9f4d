"""Pictures of a panel and of views, for people to look at."""

from collections.abc import Sequence
from pathlib import Path

from PySide6 import QtGui, QtWidgets

from Testing.host.views import HostView
from Testing.host.widgets.views import picture_of

GAP = 8


def panel_picture(panel: QtWidgets.QWidget, width: int) -> QtGui.QImage:
    """The whole panel at this width, as high as its contents want it."""
    before = panel.size()
    panel.resize(width, panel.height())
    for _ in range(2):  # texts that wrap change the height once they know their width
        QtWidgets.QApplication.processEvents()
        panel.resize(width, max(panel.sizeHint().height(), panel.minimumSizeHint().height()))
    QtWidgets.QApplication.processEvents()
    image = panel.grab().toImage()
    panel.resize(before)
    return image


def side_by_side(images: Sequence[QtGui.QImage]) -> QtGui.QImage:
    """Images in a row on a dark ground."""
    width = sum(image.width() for image in images) + GAP * (len(images) - 1)
    sheet = QtGui.QImage(width, max(image.height() for image in images), QtGui.QImage.Format.Format_RGB888)
    sheet.fill(QtGui.QColor(40, 40, 40))
    painter = QtGui.QPainter(sheet)
    left = 0
    for image in images:
        painter.drawImage(left, 0, image)
        left += image.width() + GAP
    painter.end()
    return sheet


def views_picture(views: Sequence[HostView]) -> QtGui.QImage:
    """The views below each other in two columns, as Slicer's usual layout has them."""
    images = [picture_of(view.slice_view) for view in views]
    if len(images) < 3:
        return side_by_side(images)
    return stacked([side_by_side(images[:2]), side_by_side(images[2:])])


def stacked(images: Sequence[QtGui.QImage]) -> QtGui.QImage:
    height = sum(image.height() for image in images) + GAP * (len(images) - 1)
    sheet = QtGui.QImage(max(image.width() for image in images), height, QtGui.QImage.Format.Format_RGB888)
    sheet.fill(QtGui.QColor(40, 40, 40))
    painter = QtGui.QPainter(sheet)
    top = 0
    for image in images:
        painter.drawImage(0, top, image)
        top += image.height() + GAP
    painter.end()
    return sheet


def save(image: QtGui.QImage, path: Path) -> None:
    assert image.save(str(path)), f"{path} cannot be written."
