"""The SAMSegment module of 3D Slicer: metadata, parameters, and the life of its panel."""
# ruff: noqa: INP001, N802 - a module's folder is no package, and Slicer names the methods that it calls in camelCase

import importlib.util
import sys
from pathlib import Path

import slicer
import vtk
from SAMSegmentPanel.self_test import SelfTest
from slicer import vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.parameterNodeWrapper import parameterNodeWrapper
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin

_LIBRARY = "SAMSegmentLib"
_OWN_PACKAGES = (_LIBRARY, "SAMSegmentPanel")


class SAMSegment(ScriptedLoadableModule):
    """What Slicer shows of the module before it is opened. Nothing heavy is imported here: this runs at every start."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = "SAMSegment"
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "Segmentation")]
        self.parent.dependencies = ["Segmentations", "SegmentEditor", "Markups", "Volumes"]
        self.parent.contributors = ["The SAMSegment maintainers"]
        self.parent.helpText = _(
            "Click in a slice of a volume and have the structure: segmentation with models of the Segment Anything "
            "kind, by points and boxes, carried through the volume and corrected by hand. Everything is computed on "
            "this computer; nothing is uploaded. The built-in model comes with the module; others are downloaded when "
            "you ask for them under 'Engine and settings', which also tells their licences. Not a medical device."
        )
        self.parent.acknowledgementText = _(
            "Segment Anything: A. Kirillov et al., 2023. MobileSAM: C. Zhang et al., 2023. MedSAM: J. Ma et al., 2024."
        )
        slicer.app.connect("startupCompleted()", _register_sample_data)


def _register_sample_data():
    """The tutorial's volumes, from Slicer's own collection of test data."""
    import SampleData

    folder = "https://github.com/Slicer/SlicerTestingData/releases/download/SHA256/"
    for name, file_name, digest in (
        ("MRHead", "MR-head.nrrd", "cc211f0dfd9a05ca3841ce1141b292898b2dd2d3f08286affadf823a7e58df93"),
        ("CTChest", "CT-chest.nrrd", "4507b664690840abb6cb9af2d919377ffc4ef75b167cb6fd0f747befdb12e38e"),
    ):
        SampleData.SampleDataLogic.registerCustomSampleDataSource(
            category="SAMSegment",
            sampleName="SAMSegment" + name,
            uris=folder + digest,
            fileNames=file_name,
            nodeNames=name,
            checksums="SHA256:" + digest,
        )


@parameterNodeWrapper
class SAMSegmentParameterNode:
    """What is saved with the scene. What a user sets once for all scenes is in ``SAMSegmentPanel.settings``."""

    volume: vtkMRMLScalarVolumeNode
    segmentation: vtkMRMLSegmentationNode
    window: str = "auto"
    hover: bool = False
    connected: bool = False
    fill_holes: bool = False
    smooth: bool = False
    follow: bool = False


class SAMSegmentWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """Slicer's calls handed on to the panel."""

    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic = None
        self.panel = None
        self._parameterNode = None
        self._parameterNodeGuiTag = None
        self._isEntered = False

    def setup(self):
        """Make the panel. Also called without a main window."""
        ScriptedLoadableModuleWidget.setup(self)
        _find_library(Path(self.resourcePath("")).resolve())
        # The library, and all that it needs, is not loaded before the module is opened.
        from SAMSegmentPanel.panel import Panel

        widget = slicer.util.loadUI(self.resourcePath("UI/SAMSegment.ui"))
        self.layout.addWidget(widget)
        self.ui = slicer.util.childWidgetVariables(widget)
        widget.setMRMLScene(slicer.mrmlScene)
        self.logic = SAMSegmentLogic()
        self.panel = Panel(self.ui, Path(self.resourcePath("requirements.txt")))
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartCloseEvent, self._on_scene_start_close)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, self._on_scene_end_close)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndBatchProcessEvent, self._on_scene_end_batch)
        if getattr(self.parent, "isEntered", False):
            self.enter()  # loaded anew while it is shown: Slicer does not call it then

    def enter(self):
        """The module is shown."""
        self._isEntered = True
        self._use_parameter_node()
        self.panel.enter()

    def exit(self):
        """Another module is shown; what is bound stays bound, so that the engine can go on."""
        self._isEntered = False
        self.panel.exit()

    def cleanup(self):
        """The application ends, or the module is loaded anew."""
        self._set_parameter_node(None)
        self.removeObservers()
        if self.panel:
            self.panel.close()

    def onReload(self):
        """Load the library and the panel anew, too."""
        for name in [name for name in sys.modules if name.partition(".")[0] in _OWN_PACKAGES]:
            del sys.modules[name]
        ScriptedLoadableModuleWidget.onReload(self)

    # --- the scene

    def _use_parameter_node(self):
        self._set_parameter_node(self.logic.getParameterNode())

    def _set_parameter_node(self, parameter_node):
        if _is_same(parameter_node, self._parameterNode):
            return
        if self._parameterNode is not None:
            self._parameterNode.disconnectGui(self._parameterNodeGuiTag)
            self.removeObserver(self._parameterNode, vtk.vtkCommand.ModifiedEvent, self._on_parameters_modified)
        self._parameterNode = parameter_node
        if parameter_node is not None:
            self._parameterNodeGuiTag = parameter_node.connectGui(self.ui)
            self.addObserver(parameter_node, vtk.vtkCommand.ModifiedEvent, self._on_parameters_modified)
        if self.panel:
            self.panel.use_parameters(parameter_node)

    def _on_parameters_modified(self, *_event):
        self.panel.follow_parameters()

    def _on_scene_start_close(self, *_event):
        self._set_parameter_node(None)

    def _on_scene_end_close(self, *_event):
        # Scenes of people who do not use the module get no node of it.
        if self._isEntered:
            self._use_parameter_node()

    def _on_scene_end_batch(self, *_event):
        # A scene that was loaded has filled the node that was there already; nothing was done with it meanwhile.
        if self._isEntered:
            self._use_parameter_node()
            self.panel.follow_parameters()


class SAMSegmentLogic(ScriptedLoadableModuleLogic):
    """The parameters. The work itself is ``SAMSegmentLib.mrml.scenesession``, which needs no widgets."""

    def getParameterNode(self):
        """The scene's parameter node, made when there is none."""
        return SAMSegmentParameterNode(super().getParameterNode())


class SAMSegmentTest(SelfTest, ScriptedLoadableModuleTest):
    """The whole use, as a user goes through it; see ``SAMSegmentPanel.self_test``."""


def _is_same(one, other):
    """Whether two wrappers stand for one node."""
    return one is not None and other is not None and one.parameterNode is other.parameterNode


def _find_library(resources):
    """In a source tree the library stands beside the module's folder; installed, it is found already."""
    if importlib.util.find_spec(_LIBRARY) is None:
        sys.path.append(str(resources.parents[1]))
