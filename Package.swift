// swift-tools-version: 6.2
import PackageDescription

/// The shipped agent is Embedded Swift without a runtime, linked statically: `initrd/build` sets both of these.
/// Tests and everyday builds use the full language runtime and Debian's shared libraries over the same sources.
let embedded = Context.environment["POSTERN_EMBEDDED"] == "1"
/// Where `initrd/build` put the static libraries and their headers.
let prefix = Context.environment["POSTERN_PREFIX"]

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]
let sourceSettings: [SwiftSetting] =
    settings + [.strictMemorySafety()]
    + (embedded
        ? [.enableExperimentalFeature("Embedded"), .unsafeFlags(["-wmo", "-Osize"])]
        : [.enableUpcomingFeature("ExistentialAny")])

/// A library target of ours: imports go downwards only, and the build checks it.
func module(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: sourceSettings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, swiftSettings: settings)
}

let package = Package(
    name: "postern",
    products: [
        .executable(name: "postern", targets: ["postern"]),
        .library(name: "Pure", targets: ["Config", "Plan", "Terminal", "Wire"]),
    ],
    targets: [
        .target(name: "CLinux", cSettings: [.define("_GNU_SOURCE")]),
        .systemLibrary(name: "CCryptsetup", pkgConfig: "libcryptsetup", providers: [.apt(["libcryptsetup-dev"])]),
        .systemLibrary(name: "CLibssh", pkgConfig: "libssh", providers: [.apt(["libssh-dev"])]),
        .systemLibrary(name: "CBlkid", pkgConfig: "blkid", providers: [.apt(["libblkid-dev"])]),
        .systemLibrary(name: "CSeccomp", providers: [.apt(["libseccomp-dev"])]),
        module("Linux", ["CLinux", "CSeccomp"]),
        module("Wire", ["Linux"]),
        module("Config", []),
        module("Plan", ["Config", "Linux", "Wire"]),
        module("Terminal", ["Linux", "Wire"]),
        module("LUKS", ["CBlkid", "CCryptsetup", "CLinux", "Linux"]),
        module("SSH", ["CLibssh", "CLinux", "Linux"]),
        module("Session", ["CLinux", "Linux", "SSH", "Terminal", "Wire"]),
        module("Console", ["CLinux", "Linux", "Terminal", "Wire"]),
        module("Worker", ["CLinux", "LUKS", "Linux", "Wire"]),
        module("Monitor", ["CLinux", "Config", "Linux", "Plan", "Wire"]),
        .executableTarget(
            name: "postern",
            dependencies: ["CLinux", "Config", "Console", "Linux", "Monitor", "Session", "Worker"],
            swiftSettings: sourceSettings),
        tests("LinuxTests", ["Linux"]),
    ]
)
