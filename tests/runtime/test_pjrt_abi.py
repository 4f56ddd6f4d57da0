"""The declarations of the PJRT interface in runtime/pjrt/abi.h: sizes and places of fields as published by others."""

from __future__ import annotations

import ctypes
import re
import shutil
import subprocess
from pathlib import Path

import pytest

abi = pytest.importorskip("pypjrt._abi.pjrt_0_114")

RUNTIME = Path(__file__).parents[2] / "runtime"
HEADER = (RUNTIME / "pjrt/abi.h").read_text()

# Structures of ours that stand for several of the interface's, or have another name there.
_NAMES = {
    "NamedValue": ["NamedValue"],
    "Program": ["Program"],
    "TiledLayout": ["Buffer_MemoryLayout_Tiled"],
    "StridesLayout": ["Buffer_MemoryLayout_Strides"],
    "MemoryLayout": ["Buffer_MemoryLayout"],
    "Version": ["Api_Version"],
    "ExecuteOptions": ["ExecuteOptions"],
    "Extension": ["Extension_Base"],
    "LayoutsExtension": ["Layouts_Extension"],
    "Event_Args": ["Event_Destroy_Args", "Event_Error_Args", "Event_Await_Args"],
    "Client_String_Args": ["Client_PlatformName_Args", "Client_PlatformVersion_Args"],
    "Client_Devices_Args": ["Client_Devices_Args", "Client_AddressableDevices_Args"],
    "Client_LookupDevice_Args": ["Client_LookupDevice_Args", "Client_LookupAddressableDevice_Args"],
    "Topology_String_Args": ["TopologyDescription_PlatformName_Args", "TopologyDescription_PlatformVersion_Args"],
    "Topology_Devices_Args": ["TopologyDescription_GetDeviceDescriptions_Args"],
    "Topology_Attributes_Args": ["TopologyDescription_Attributes_Args"],
    "Topology_Destroy_Args": ["TopologyDescription_Destroy_Args"],
    "Device_Int_Args": [
        "DeviceDescription_Id_Args", "DeviceDescription_ProcessIndex_Args", "Device_LocalHardwareId_Args",
    ],
    "Device_String_Args": [
        "DeviceDescription_Kind_Args", "DeviceDescription_DebugString_Args", "DeviceDescription_ToString_Args",
    ],
    "Device_Memories_Args": ["Device_AddressableMemories_Args"],
    "Memory_Int_Args": ["Memory_Id_Args", "Memory_Kind_Id_Args"],
    "Memory_String_Args": ["Memory_Kind_Args", "Memory_DebugString_Args", "Memory_ToString_Args"],
    "Memory_Devices_Args": ["Memory_AddressableByDevices_Args"],
    "Executable_String_Args": ["Executable_Name_Args", "Executable_Fingerprint_Args"],
    "Executable_Size_Args": [
        "Executable_NumReplicas_Args", "Executable_NumPartitions_Args", "Executable_NumOutputs_Args",
        "Executable_SizeOfGeneratedCodeInBytes_Args",
    ],
    "Executable_OutputTypes_Args": ["Executable_OutputElementTypes_Args"],
    "Executable_MemoryKinds_Args": ["Executable_OutputMemoryKinds_Args"],
    "Executable_MemoryStats_Args": ["Executable_GetCompiledMemoryStats_Args"],
    "LoadedExecutable_Args": ["LoadedExecutable_Destroy_Args", "LoadedExecutable_Delete_Args"],
    "LoadedExecutable_Devices_Args": ["LoadedExecutable_AddressableDevices_Args"],
    "LoadedExecutable_String_Args": ["LoadedExecutable_Fingerprint_Args"],
    "LoadedExecutable_DeviceAssignment_Args": ["LoadedExecutable_GetDeviceAssignment_Args"],
    "Buffer_Args": [
        "Buffer_Destroy_Args", "Buffer_Delete_Args", "Buffer_IncreaseExternalReferenceCount_Args",
        "Buffer_DecreaseExternalReferenceCount_Args",
    ],
    "Buffer_DynamicDimensions_Args": ["Buffer_DynamicDimensionIndices_Args"],
    "Buffer_Size_Args": ["Buffer_OnDeviceSizeInBytes_Args", "Buffer_UnsafePointer_Args"],
    "Buffer_Bool_Args": ["Buffer_IsDeleted_Args", "Buffer_IsOnCpu_Args"],
    "Buffer_Pointer_Args": ["Buffer_OpaqueDeviceMemoryDataPointer_Args"],
    "Profiler_Args": ["Profiler_Create_Args"],
    "Profiler_Handle_Args": ["Profiler_Destroy_Args", "Profiler_Start_Args", "Profiler_Stop_Args"],
    "ProfilerApi": ["Profiler_Api"],
    "ProfilerExtension": ["Profiler_Extension"],
    "Layouts_Destroy_Args": ["Layouts_MemoryLayout_Destroy_Args"],
    "Layouts_Serialize_Args": ["Layouts_MemoryLayout_Serialize_Args"],
    "Layouts_ClientDefault_Args": [
        "Layouts_PJRT_Client_GetDefaultLayout_Args", "Layouts_PJRT_Topology_GetDefaultLayout_Args",
    ],
    "Layouts_Buffer_Args": ["Layouts_PJRT_Buffer_MemoryLayout_Args"],
    "Layouts_Executable_Args": ["Layouts_PJRT_Executable_GetOutputLayouts_Args"],
}  # fmt: skip
# Not the interface's: what it has in the middle of a structure; what version 0.90 has fewer fields of.
_OURS = {"OptionalStatistic", "Table"}


def declared() -> dict[str, list[str]]:
    """Our structures and the names of their fields, in order; unions and what is within them left out."""
    text = re.sub(r"//[^\n]*", "", HEADER)
    text = re.sub(r"union \{.*?\};", "", text, flags=re.DOTALL)
    text = re.sub(r"enum (\w+) : int32_t \{[^}]*\} (\w+);", r"int32_t \2;", text)
    found = {}
    for name, body in re.findall(r"^struct (\w+) \{(.*?)\};[ ]*$", text, re.MULTILINE | re.DOTALL):
        body = body.replace("ASTRA_PJRT_HEAD;", "size_t struct_size; Extension *extensions;")
        fields = []
        for field in filter(None, map(str.strip, body.split(";"))):
            function = re.search(r"\(\*(\w+)\)\(", field)
            names = [function[1]] if function else re.findall(r"(\w+)(?:\[\w+\])?(?=\s*(?:,|$))", field)
            fields += names
        found[name] = fields
    return found


def published(name: str) -> list[tuple[int, int]]:
    """Places and sizes of the fields of a structure of the interface, unions of several left out."""
    structure = getattr(abi, f"PLUGIN_{name}", None) or getattr(abi, f"PJRT_{name}")
    fields = []
    for field, kind, *_ in structure._fields_:
        if not issubclass(kind, ctypes.Union):
            fields.append((getattr(structure, field).offset, ctypes.sizeof(kind)))
    return fields


def test_layouts(tmp_path: Path) -> None:
    compiler = shutil.which("g++") or shutil.which("c++")
    if compiler is None:
        pytest.skip("there is no C++ compiler")
    lines, compared = ['#include "abi.h"', "using namespace astra::pjrt;"], 0
    for ours, fields in declared().items():
        if ours in _OURS:
            continue
        for theirs in _NAMES.get(ours, [ours]):
            expected = published(theirs)
            if ours == "Device_MemoryStats_Args":  # numbers and whether they are set, in one structure each
                fields = fields[:4]
            assert len(fields) <= len(expected), (ours, fields, theirs)
            for field, (offset, size) in zip(fields, expected, strict=False):
                lines.append(f'static_assert(offsetof({ours}, {field}) == {offset}, "{ours}.{field}");')
                lines.append(f'static_assert(sizeof({ours}::{field}) == {size}, "{ours}.{field}");')
                compared += 1
    assert compared > 300
    source = tmp_path / "layouts.cpp"
    source.write_text("\n".join(lines) + "\n")
    command = [compiler, "-std=c++17", "-fsyntax-only", "-I", RUNTIME / "pjrt", source]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr[:3000]


def test_order_of_functions() -> None:
    table = HEADER[HEADER.index("#define ASTRA_PJRT_FUNCTIONS") : HEADER.index("enum Function")]
    names = re.findall(r"X\((\w+)\)", table)[1:] if "FUNCTIONS(X)" not in table else re.findall(r"X\((\w+)\)", table)
    assert [abi.SLOT[f"PJRT_{name}"] for name in names] == list(range(128))
