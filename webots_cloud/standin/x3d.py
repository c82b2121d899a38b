"""Writes a scene in the X3D dialect of docs/protocol.md, section 5; read by the web clients."""

from collections.abc import Callable
from xml.sax.saxutils import quoteattr

import attrs

from webots_cloud.standin import NAME, fields
from webots_cloud.standin.wbt import Node, Use, Value

_SOLIDS = frozenset({"Solid", "Robot", "Supervisor", "DifferentialWheels"})
_JOINTS = frozenset({"HingeJoint", "Hinge2Joint", "BallJoint", "SliderJoint", "Slot"})
_DEVICE_NAMES = """
Accelerometer Altimeter Camera Charger Compass Connector Display DistanceSensor Emitter GPS Gyro
InertialUnit LED Lidar LightSensor Pen Radar RangeFinder Receiver Speaker TouchSensor Track TrackWheel
VacuumGripper Microphone Propeller Radio Skin
"""
_DEVICES = frozenset(_DEVICE_NAMES.split())

#: Fields that become attributes as they are, for nodes drawn as they are.
_ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "Viewpoint": ("fieldOfView", "orientation", "position", "near", "far"),
    "Background": ("skyColor", "luminosity"),
    "Fog": ("color", "fogType", "visibilityRange"),
    "DirectionalLight": ("ambientIntensity", "castShadows", "color", "direction", "intensity", "on"),
    "PointLight": ("ambientIntensity", "attenuation", "castShadows", "color", "intensity", "location", "on", "radius"),
    "SpotLight": (
        "ambientIntensity", "attenuation", "beamWidth", "castShadows", "color", "cutOffAngle", "direction", "intensity",
        "location", "on", "radius",
    ),
    "Group": (),
    "Shape": ("castShadows", "isPickable"),
    "Appearance": (),
    "Material": ("ambientIntensity", "diffuseColor", "emissiveColor", "shininess", "specularColor", "transparency"),
    "PBRAppearance": (
        "baseColor", "transparency", "roughness", "metalness", "IBLStrength", "emissiveColor", "emissiveIntensity",
        "normalMapFactor", "occlusionMapStrength",
    ),
    "TextureTransform": ("center", "rotation", "scale", "translation"),
    "Box": ("size",),
    "Sphere": ("radius", "subdivision", "ico"),
    "Cylinder": ("radius", "height", "subdivision", "bottom", "top", "side"),
    "Cone": ("bottomRadius", "height", "subdivision", "bottom", "side"),
    "Capsule": ("radius", "height", "subdivision", "bottom", "top", "side"),
    "Plane": ("size",),
    "Text": ("string", "size"),
    "IndexedFaceSet": (
        "ccw", "solid", "normalPerVertex", "coordIndex", "normalIndex", "texCoordIndex", "creaseAngle",
    ),
    "IndexedLineSet": ("coordIndex",),
    "PointSet": (),
    "ElevationGrid": (
        "xDimension", "yDimension", "zDimension", "xSpacing", "ySpacing", "zSpacing", "height", "thickness",
        "colorPerVertex",
    ),
    "Coordinate": ("point",),
    "TextureCoordinate": ("point",),
    "Normal": ("vector",),
    "Color": ("color",),
}  # fmt: skip

#: Values that a client must be told because its own default, that of standard X3D, is another one.
_DEFAULTS: dict[str, dict[str, str]] = {
    "PBRAppearance": {"baseColor": "1 1 1", "roughness": "0", "metalness": "1"},
    "Box": {"size": "0.1 0.1 0.1"},
    "Sphere": {"radius": "0.1"},
    "Cylinder": {"radius": "0.1", "height": "0.2"},
    "Cone": {"bottomRadius": "0.1", "height": "0.2"},
    "Capsule": {"radius": "0.1", "height": "0.2"},
    "Plane": {"size": "1 1"},
    "Viewpoint": {"fieldOfView": "0.785398", "orientation": "0 0 1 0", "position": "-10 0 0"},
    "Background": {"skyColor": "0 0 0"},
}

_TEXTURES = {
    "texture": "",
    "baseColorMap": "baseColor",
    "roughnessMap": "roughness",
    "metalnessMap": "metalness",
    "normalMap": "normal",
    "occlusionMap": "occlusion",
    "emissiveColorMap": "emissiveColor",
}

_BELOW = (
    "children", "appearance", "material", "textureTransform", "geometry", "coord", "normal", "texCoord", "color",
)  # fmt: skip


@attrs.frozen
class Setting:
    """What the writer must know beside the tree.

    @ivar is_enu: z up, else y up.
    @ivar texture: path below the server's root for an image that the world names, or ``None`` where it is not served.
    @ivar followed: number of the node that the viewpoint follows, or 0.
    """

    is_enu: bool
    texture: Callable[[str], str | None]
    followed: int = 0


def write(nodes: list[Value], setting: Setting) -> str:
    """Write a whole scene.

    @param nodes: the nodes of the top level, without PROTOs, all numbered.
    @return: one X3D element; everything that the world's author wrote is escaped.
    """
    writer = _Writer(setting)
    return (
        f"<X3D version='3.0' profile='Interchange' generator={quoteattr(NAME)}>"
        f"<head><meta name='generator' content={quoteattr(NAME)}/></head>"
        f"<Scene>{''.join(map(writer.value, nodes))}</Scene></X3D>"
    )


class _Writer:
    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._written: dict[Node, int] = {}

    def value(self, value: Value, extra: str = "") -> str:
        """Write what stands in a node field; a use of a node that is not in the scene yet is written in full."""
        node = fields.target(value)
        if node is None or not isinstance(value, Node | Use):
            return ""
        identity = f" id='n{value.id}'"
        if node in self._written:
            return (
                f"<{self._element(node)}{identity} USE='n{self._written[node]}'{extra}/>" if self._element(node) else ""
            )
        body = self._node(node, identity + extra)
        if body:
            self._written[node] = value.id
        return body

    def _element(self, node: Node) -> str:
        if node.kind in _SOLIDS or node.kind in _DEVICES or node.kind in ("Transform", "Pose", "Fluid", "Billboard"):
            return "Transform"
        if node.kind in _ATTRIBUTES or node.kind in ("WorldInfo", "ImageTexture"):
            return node.kind
        return ""

    def _node(self, node: Node, attributes: str) -> str:
        if node.kind in _JOINTS:
            return "".join(map(self.value, node.fields.get("endPoint", [])))
        element = self._element(node)
        if not element:
            return ""
        if element == "Transform":
            attributes += self._transform(node)
        elif element == "WorldInfo":
            attributes += self._world_info(node)
        elif element == "ImageTexture":
            return self._image(node, attributes)
        else:
            attributes += self._plain(node)
        below = self._below(node)
        return f"<{element}{attributes}>{below}</{element}>" if below else f"<{element}{attributes}/>"

    def _below(self, node: Node) -> str:
        parts = [self.value(value) for name in _BELOW for value in node.fields.get(name, [])]
        for name, role in _TEXTURES.items():
            extra = f" type='{role}'" if role else ""
            parts += [self.value(value, extra) for value in node.fields.get(name, [])]
        return "".join(parts)

    def _transform(self, node: Node) -> str:
        result = ""
        if node.kind in _SOLIDS:
            result += " solid='true'"
        if node.kind in ("Robot", "Supervisor", "DifferentialWheels"):
            controller = fields.string(node, "controller", "<generic>")
            result += f" type='robot' controller={_quoted(controller)}"
            result += f" window={_quoted(fields.string(node, 'window', '<generic>'))}"
        default = "robot" if "robot" in result else node.kind.lower()
        if node.kind in _SOLIDS or node.kind in _DEVICES:
            result += f" name={_quoted(fields.string(node, 'name', default))}"
        for name, count in (("translation", 3), ("rotation", 4), ("scale", 3)):
            values = fields.numbers(node, name)
            if len(values) == count:
                result += f" {name}='{_numbers(values)}'"
        return result

    def _world_info(self, node: Node) -> str:
        system = "ENU" if self._setting.is_enu else "NUE"
        step = fields.size(node, "basicTimeStep", 32.0)
        title, window = fields.string(node, "title", ""), fields.string(node, "window", "<none>")
        lines = fields.strings(node, "info")
        info = f" info={_quoted(_strings(lines))}" if lines else ""
        about = f" title={_quoted(title)}{info} window={_quoted(window)}"
        return f"{about} basicTimeStep='{step:g}' coordinateSystem='{system}'"

    def _image(self, node: Node, attributes: str) -> str:
        urls = fields.strings(node, "url")
        path = self._setting.texture(urls[0]) if urls else None
        if path is None:
            return ""
        for name in ("repeatS", "repeatT"):
            if not fields.boolean(node, name, True):
                attributes += f" {name}='false'"
        return f"<ImageTexture{attributes} url={_quoted(chr(34) + path + chr(34))}/>"

    def _plain(self, node: Node) -> str:
        given = {name: _attribute(name, node.fields[name]) for name in _ATTRIBUTES[node.kind] if node.fields.get(name)}
        given = {name: text for name, text in given.items() if text}
        if node.kind == "Viewpoint" and self._setting.followed:
            given["followedId"] = f"n{self._setting.followed}"
        together = _DEFAULTS.get(node.kind, {}) | given
        return "".join(f" {name}={_quoted(text)}" for name, text in together.items())


def _attribute(name: str, values: list[Value]) -> str:
    if isinstance(values[0], bool):
        return "true" if values[0] else "false"
    texts = [v for v in values if isinstance(v, str)]
    if texts and name == "string":
        return _strings(texts)
    if texts:
        return texts[0]
    return _numbers([v for v in values if isinstance(v, float)])


def _strings(texts: list[str]) -> str:
    return " ".join('"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"' for text in texts)


def _numbers(values: list[float]) -> str:
    return " ".join(f"{value:.9g}" for value in values)


def _quoted(text: str) -> str:
    """An attribute's value: escaped, and without the characters that XML cannot hold at all."""
    clean = "".join(c if c >= " " and c not in "\ufffe\uffff" and not "\ud800" <= c <= "\udfff" else " " for c in text)
    return quoteattr(clean)
