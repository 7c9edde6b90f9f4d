"""Stand-in for qMRMLSegmentsTableView: the segments of a segmentation."""

from typing import Any

import slicer
from PySide6 import QtCore, QtGui, QtWidgets
from PySide6.QtCore import Property, Qt, Signal

from Testing.host.widgets.mrml import Observations, qMRMLWidget
from Testing.host.widgets.stored import stored, stored_setter

COLUMNS = ("visibility", "color", "opacity", "name", "status")
COLUMN_TITLES = ("", "", "Opacity", "Name", "Status")
SEGMENTATION_EVENTS = (
    slicer.vtkSegmentation.SegmentAdded,
    slicer.vtkSegmentation.SegmentRemoved,
    slicer.vtkSegmentation.SegmentModified,
    slicer.vtkSegmentation.SegmentsOrderModified,
)


class qMRMLSegmentsTableView(qMRMLWidget):
    """A row a segment; a click into the first column hides or shows it, an edited name renames it.

    A double click on a colour asks for another one, by Qt's dialog instead of Slicer's terminology selector.
    """

    selectionChanged = Signal(QtCore.QItemSelection, QtCore.QItemSelection)
    segmentAboutToBeModified = Signal(str)

    visibilityColumnVisible = stored(bool, "visibilityColumnVisible", True, then="show_columns")
    colorColumnVisible = stored(bool, "colorColumnVisible", True, then="show_columns")
    opacityColumnVisible = stored(bool, "opacityColumnVisible", True, then="show_columns")
    statusColumnVisible = stored(bool, "statusColumnVisible", False, then="show_columns")
    layerColumnVisible = stored(bool, "layerColumnVisible", False)
    headerVisible = stored(bool, "headerVisible", True, then="show_columns")
    filterBarVisible = stored(bool, "filterBarVisible", False)
    readOnly = stored(bool, "readOnly", False, then="refresh")
    jumpToSelectedSegmentEnabled = stored(bool, "jumpToSelectedSegmentEnabled", False)
    terminologySelectorAutoDisable = stored(bool, "terminologySelectorAutoDisable", True)
    terminologySelectorOptionVisible = stored(bool, "terminologySelectorOptionVisible", False)
    useTerminologySelector = stored(bool, "useTerminologySelector", True)
    textFilter = stored(str, "textFilter", "")
    setVisibilityColumnVisible = stored_setter("visibilityColumnVisible")
    setColorColumnVisible = stored_setter("colorColumnVisible")
    setOpacityColumnVisible = stored_setter("opacityColumnVisible")
    setStatusColumnVisible = stored_setter("statusColumnVisible")
    setLayerColumnVisible = stored_setter("layerColumnVisible")
    setHeaderVisible = stored_setter("headerVisible")
    setFilterBarVisible = stored_setter("filterBarVisible")
    setReadOnly = stored_setter("readOnly")
    setTextFilter = stored_setter("textFilter")

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._node: Any = None
        self._node_observations = Observations()
        self.destroyed.connect(self._node_observations.end)
        self._table = QtWidgets.QTableWidget(0, len(COLUMNS))
        self._table.setObjectName("SegmentsTable")
        self._table.setHorizontalHeaderLabels(COLUMN_TITLES)
        self._table.verticalHeader().hide()
        self._table.setSelectionBehavior(QtWidgets.QTableWidget.SelectionBehavior.SelectRows)
        self._table.horizontalHeader().setSectionResizeMode(
            COLUMNS.index("name"), QtWidgets.QHeaderView.ResizeMode.Stretch
        )
        for column, width in ((0, 24), (1, 24), (2, 60)):
            self._table.setColumnWidth(column, width)
        self._table.cellClicked.connect(self._click)
        self._table.cellDoubleClicked.connect(self._double_click)
        self._table.itemChanged.connect(self._note_edit)
        self._table.selectionModel().selectionChanged.connect(self.selectionChanged.emit)
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._table)
        self.show_columns()

    def setSegmentationNode(self, node: Any) -> None:
        self._node_observations.end()
        self._node = node
        if node is not None:
            # The node passes its segmentation's events on when the display node knows the segment.
            for event in SEGMENTATION_EVENTS:
                self._node_observations.add(node, event, self.refresh)
            self._node_observations.add(node, slicer.vtkMRMLDisplayableNode.DisplayModifiedEvent, self.refresh)
        self.refresh()

    def segmentationNode(self) -> Any:
        return self._node

    def show_columns(self) -> None:
        """The host's handle: hide what is not wanted."""
        for column, name in enumerate(COLUMNS):
            self._table.setColumnHidden(column, name != "name" and not getattr(self, f"{name}ColumnVisible"))
        self._table.horizontalHeader().setVisible(self.headerVisible)

    def refresh(self, *_: Any) -> None:
        """The host's handle: show the segments again; what is selected stays so when it is still there."""
        selected = self.selectedSegmentIDs()
        ids = self.displayedSegmentIDs()
        model = self._table.selectionModel()
        same = [self._table.item(row, 0).data(Qt.ItemDataRole.UserRole) for row in range(self._table.rowCount())] == ids
        model.blockSignals(True)
        self._table.blockSignals(True)
        self._table.setRowCount(len(ids))
        for row, segment_id in enumerate(ids):
            self._fill_row(row, segment_id)
        if not same:
            self._select(selected)
        self._table.blockSignals(False)
        model.blockSignals(False)
        if self.selectedSegmentIDs() != selected:
            self.selectionChanged.emit(QtCore.QItemSelection(), QtCore.QItemSelection())

    def _fill_row(self, row: int, segment_id: str) -> None:
        segment = self._node.GetSegmentation().GetSegment(segment_id)
        display = self._node.GetDisplayNode()
        shown = display is None or display.GetSegmentVisibility(segment_id)
        opacity = 1.0 if display is None else display.GetSegmentOpacity3D(segment_id)
        status = slicer.vtkSlicerSegmentationsModuleLogic.GetSegmentStatus(segment)
        texts = ("●" if shown else "○", "", f"{opacity:.2f}", segment.GetName(), str(status))
        for column, text in enumerate(texts):
            item = self._table.item(row, column)
            if item is None:
                item = QtWidgets.QTableWidgetItem()
                self._table.setItem(row, column, item)
            item.setText(text)
            item.setData(Qt.ItemDataRole.UserRole, segment_id)
            editable = COLUMNS[column] == "name" and not self.readOnly
            flags = Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEnabled
            item.setFlags(flags | Qt.ItemFlag.ItemIsEditable if editable else flags)
        color = QtGui.QColor.fromRgbF(*segment.GetColor())
        self._table.item(row, COLUMNS.index("color")).setData(Qt.ItemDataRole.DecorationRole, color)

    def _read_count(self) -> int:
        return len(self.displayedSegmentIDs())

    segmentCount = Property(int, _read_count)

    def displayedSegmentIDs(self) -> list[str]:
        return list(self._node.GetSegmentation().GetSegmentIDs()) if self._node is not None else []

    def selectedSegmentIDs(self) -> list[str]:
        rows = sorted({index.row() for index in self._table.selectedIndexes()})
        return [self._table.item(row, 0).data(Qt.ItemDataRole.UserRole) for row in rows]

    def setSelectedSegmentIDs(self, ids: list[str]) -> None:
        if list(ids) == self.selectedSegmentIDs():
            return
        model = self._table.selectionModel()
        model.blockSignals(True)
        self._select(ids)
        model.blockSignals(False)
        self.selectionChanged.emit(model.selection(), QtCore.QItemSelection())

    def clearSelection(self) -> None:
        self.setSelectedSegmentIDs([])

    def rowForSegmentID(self, segment_id: str) -> int:
        ids = self.displayedSegmentIDs()
        return ids.index(segment_id) if segment_id in ids else -1

    def segmentIDForRow(self, row: int) -> str:
        ids = self.displayedSegmentIDs()
        return ids[row] if 0 <= row < len(ids) else ""

    def _read_mode(self) -> int:
        return self._table.selectionMode().value

    def setSelectionMode(self, mode: Any) -> None:
        self._table.setSelectionMode(QtWidgets.QTableWidget.SelectionMode(mode))

    selectionMode = Property(int, _read_mode, setSelectionMode)

    def tableWidget(self) -> QtWidgets.QTableWidget:
        return self._table

    def model(self) -> QtCore.QAbstractItemModel:
        return self._table.model()

    def _select(self, ids: list[str]) -> None:
        self._table.clearSelection()
        flags = QtCore.QItemSelectionModel.SelectionFlag
        for segment_id in ids:
            index = self._table.model().index(self.rowForSegmentID(segment_id), COLUMNS.index("name"))
            self._table.selectionModel().select(index, flags.Select | flags.Rows)

    def _click(self, row: int, column: int) -> None:
        display = self._node.GetDisplayNode()
        if COLUMNS[column] == "visibility" and display is not None:
            segment_id = self.segmentIDForRow(row)
            display.SetSegmentVisibility(segment_id, not display.GetSegmentVisibility(segment_id))

    def _double_click(self, row: int, column: int) -> None:
        if COLUMNS[column] != "color" or self.readOnly:
            return
        segment = self._node.GetSegmentation().GetSegment(self.segmentIDForRow(row))
        color = QtWidgets.QColorDialog.getColor(QtGui.QColor.fromRgbF(*segment.GetColor()), self)
        if color is not None and color.isValid():
            segment.SetColor(color.redF(), color.greenF(), color.blueF())

    def _note_edit(self, item: QtWidgets.QTableWidgetItem) -> None:
        segment_id = item.data(Qt.ItemDataRole.UserRole)
        if item.column() == COLUMNS.index("name") and segment_id:
            self.segmentAboutToBeModified.emit(segment_id)
            self._node.GetSegmentation().GetSegment(segment_id).SetName(item.text())
