"""Stand-in for Slicer's reading and writing of files: scenes and volumes, by slicer-core's own means."""

from pathlib import Path
from typing import Any

from PySide6 import QtCore

from Testing.host.problems import NotInHost

SCENE_ENDINGS = (".mrb", ".mrml")


class qSlicerCoreIOManager(QtCore.QObject):
    """What slicer.util.loadScene, saveScene and loadVolume ask."""

    def __init__(self, scene: Any, volumes_logic: Any) -> None:
        super().__init__()
        self._scene, self._volumes_logic = scene, volumes_logic

    def fileType(self, filename: str) -> str:
        return "SceneFile" if filename.lower().endswith(SCENE_ENDINGS) else "VolumeFile"

    def fileWriterFileType(self, _node: Any, _name: str = "") -> str:
        return "VolumeFile"

    def loadNodes(self, kind: str, properties: dict[str, Any], loaded: Any = None, messages: Any = None) -> bool:
        name = properties["fileName"]
        if kind == "SceneFile":
            return self.loadScene(name, properties.get("clear", False), messages)
        if kind != "VolumeFile":
            raise NotInHost(f"The host reads no {kind}.")
        node = self._volumes_logic.AddArchetypeVolume(name, properties.get("name") or Path(name).name.split(".")[0])
        if node is not None and loaded is not None:
            loaded.AddItem(node)
        return node is not None

    def loadScene(self, name: str, clear: bool = True, _messages: Any = None) -> bool:
        if clear:
            self._scene.Clear(0)
        if name.lower().endswith(".mrb"):
            return self._scene.ReadFromMRB(name)
        self._scene.SetURL(name)
        return bool(self._scene.Import())

    def saveNodes(self, kind: str, properties: dict[str, Any], messages: Any = None, *_: Any) -> bool:
        if kind == "SceneFile":
            return self.saveScene(properties["fileName"], None, messages)
        node = self._scene.GetNodeByID(properties["nodeID"])
        storage = node.GetStorageNode() or node.AddDefaultStorageNode() or node.GetStorageNode()
        storage.SetFileName(properties["fileName"])
        return bool(storage.WriteData(node))

    def saveScene(self, name: str, _picture: Any = None, _messages: Any = None) -> bool:
        if name.lower().endswith(".mrb"):
            return self._scene.WriteToMRB(name)
        self._scene.SetURL(name)
        return bool(self._scene.Commit(name))


class qSlicerIOManager(qSlicerCoreIOManager):
    """Stands in for Slicer's, without its dialogs."""
