// swift-tools-version: 6.2
import PackageDescription

/// The shipped agent is Embedded Swift without a runtime, linked statically: `initrd/build` sets both of these.
/// Tests and everyday builds use the full language runtime and Debian's shared libraries over the same sources.
let embedded = Context.environment["POSTERN_EMBEDDED"] == "1"
/// Where `initrd/build` put the static libraries and their headers; for Tests/Fuzz, libssh alone.
let prefix = Context.environment["POSTERN_PREFIX"] ?? ""

/// The static link of the agent.
let linkerFlags = [
    // Functions that look alike lie side by side, which takes 2 % off what zstd -1 leaves, and 0.5 % off zstd -9.
    "--gc-sections", "-O2", "--bp-compression-sort=function", "--pack-dyn-relocs=relr", "-z", "relro", "-z", "now",
    // libssh has these, but no public header: our weak references to them would not fetch them.
    "-u", "ssh_packet_set_callbacks", "-u", "ssh_auth_reply_default",
    "--no-eh-frame-hdr", "-T", "\(Context.packageDirectory)/initrd/postern.ld", "--wrap=argon2_thread_exit",
    "--wrap=ssh_srv_pki_do_sign_sessionid", "--wrap=ssh_pki_signature_verify",
    "--wrap=ssh_pki_export_privkey_to_pubkey", "--wrap=ssh_make_sessionid", "--wrap=ssh_send_kex",
    "--wrap=ssh_kex_select_methods", "--wrap=sha256", "--wrap=sha384", "--wrap=sha512",
    "--wrap=ssh_socket_exception_callback",
    "-lssh", "-lcryptsetup", "-ldevmapper", "-lblkid", "-lseccomp", "-lcrypto", "-largon2", "-ljson-c", "-luuid", "-lm",
]
/// clang makes vectors of straight code in an order that differs from run to run, by addresses in its memory: the same
/// sources would not always give the same bytes.
let staticC: [CSetting] = [
    .define("POSTERN_STATIC"), .define("_FORTIFY_SOURCE", to: "2"),
    .unsafeFlags(["-fstack-protector-strong", "-fno-slp-vectorize"]),
]
/// CGate and CSigner look into libssh with libssh's own headers. FORTIFY_SOURCE would hide calls from the fuzzers'
/// sanitizer.
let privateC: [CSetting] =
    (embedded ? staticC : [.define("POSTERN_STATIC")])
    + [.unsafeFlags(["-I\(prefix)/private", "-I\(prefix)/include"])]
let staticLink: [LinkerSetting] = [
    .unsafeFlags(
        ["-use-ld=lld", "-Xclang-linker", "-static-pie", "-L\(prefix)/lib"]
            + linkerFlags.flatMap { ["-Xlinker", $0] })
]

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]
let sourceSettings: [SwiftSetting] =
    settings + [.strictMemorySafety()]
    + (embedded
        ? [
            .enableExperimentalFeature("Embedded"),
            // 6.3.1 emits a function again into each module that uses it, and the constant arrays in it as weak symbols
            // numbered as the optimizer met them, which differs: the linker then takes one array for the other.
            .unsafeFlags(["-Xllvm", "-sil-disable-pass=object-outliner"]),
            // As -fno-slp-vectorize does for C.
            .unsafeFlags(["-Xllvm", "-vectorize-slp=false"]),
            // One section for a file would be kept whole by the linker, also what nobody calls: a fifth of everything.
            .unsafeFlags(["-wmo", "-Osize", "-Xfrontend", "-function-sections", "-Xcc", "-I\(prefix)/include"]),
        ]
        : [.enableUpcomingFeature("ExistentialAny")])

/// The executable compiles all it uses of the modules once more anyway: leaving it to that takes 40 % off the time.
let compiledByUser = SwiftSetting.unsafeFlags(["-Xfrontend", "-emit-empty-object-file"])

/// A library target of ours: imports go downwards only, and the build checks it.
func module(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: sourceSettings + (embedded ? [compiledByUser] : []))
}

func program(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(
        name: name, dependencies: dependencies, swiftSettings: sourceSettings,
        linkerSettings: embedded ? staticLink : [])
}

/// Tests in the folder of `Tests` that has the tests of their kind.
func tests(_ kind: String, _ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
    .testTarget(
        name: name, dependencies: dependencies, path: "Tests/\(kind)/\(name.dropLast("Tests".count))", exclude: exclude,
        swiftSettings: settings)
}

/// What tests of several targets share.
func support(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, path: "Tests/Support/\(name)", swiftSettings: settings)
}

/// A C library. pkg-config is for the everyday build: it would find Debian's older libssh.a before ours.
func library(_ name: String, pkgConfig: String?, package: String) -> Target {
    .systemLibrary(name: name, pkgConfig: embedded ? nil : pkgConfig, providers: [.apt([package])])
}

let package = Package(
    name: "postern",
    products: [
        .executable(name: "postern", targets: ["postern"]),
        .executable(name: "postern-initrd", targets: ["postern-initrd"]),
        // For Tests/Fuzz.
        .library(
            name: "Pure",
            targets: [
                "BootLoader", "Check", "Config", "Image", "Linux", "Network", "Notify", "Plan", "Records", "Report",
                "Terminal", "Wire",
            ]),
        .library(name: "Session", targets: ["Linux", "SSH", "Session", "Signer", "Wire"]),
    ],
    targets: [
        .target(name: "CLinux", cSettings: [.define("_GNU_SOURCE")] + (embedded ? staticC : [])),
        .target(name: "CGate", cSettings: prefix.isEmpty ? [] : privateC),
        .target(name: "CSigner", cSettings: prefix.isEmpty ? [] : privateC),
        library("CCryptsetup", pkgConfig: "libcryptsetup", package: "libcryptsetup-dev"),
        library("CLibssh", pkgConfig: "libssh", package: "libssh-dev"),
        library("CBlkid", pkgConfig: "blkid", package: "libblkid-dev"),
        library("CSeccomp", pkgConfig: nil, package: "libseccomp-dev"),
        module("Linux", ["CLinux", "CSeccomp"]),
        module("Wire", ["Linux"]),
        module("Config", ["Linux", "Wire"]),
        module("ConfigFiles", ["CLinux", "Config", "Linux", "Wire"]),
        module("Admission", ["Config", "Linux"]),
        module("BootLoader", []),
        module("HostKeys", ["CLinux", "Config", "ConfigFiles", "HostPrograms", "Linux"]),
        module("HostPrograms", ["CLinux", "Linux"]),
        module("Plan", ["Config", "Linux", "Wire"]),
        module("Network", ["Config", "Wire"]),
        module("Terminal", ["Linux", "Wire"]),
        module("Records", ["Config", "Linux", "Terminal", "Wire"]),
        module("Notify", ["Config", "Linux", "Terminal"]),
        module("Notifier", ["CLinux", "Config", "ConfigFiles", "Linux", "Notify"]),
        module("LUKS", ["CBlkid", "CCryptsetup", "CLinux", "Linux"]),
        module("SSH", ["CGate", "CLibssh", "CLinux", "CSigner", "Linux"]),
        module("Signer", ["Linux", "SSH", "Wire"]),
        module("Session", ["CLinux", "Linux", "SSH", "Signer", "Terminal", "Wire"]),
        module("Console", ["CLinux", "Linux", "Terminal", "Wire"]),
        module("Worker", ["BootLoader", "CLinux", "LUKS", "Linux", "Wire"]),
        module(
            "Monitor",
            [
                "Admission", "CLinux", "Config", "ConfigFiles", "Linux", "Network", "Notifier", "Notify", "Plan",
                "Records", "Terminal", "Wire",
            ]),
        module("Image", ["Config", "ConfigFiles", "LUKS", "Linux", "Notify", "Worker"]),
        module(
            "Check",
            [
                "BootLoader", "CLinux", "Config", "ConfigFiles", "HostKeys", "HostPrograms", "Image", "Linux", "Plan",
                "Terminal", "Wire", "Worker",
            ]),
        module("Report", ["Config", "HostPrograms", "Linux", "Terminal"]),
        module(
            "Agent", ["CLinux", "Console", "Linux", "Monitor", "Notifier", "Session", "Signer", "Worker"]),
        // The booted machine's, with all commands.
        program(
            "postern",
            ["Agent", "CLinux", "Check", "Config", "ConfigFiles", "HostKeys", "Image", "Linux", "Notifier", "Report"]),
        // The initrd's: nothing that only the booted machine's does may get into it.
        program("postern-initrd", ["Agent", "CLinux", "Linux"]),
        tests("Unit", "AdmissionTests", ["Admission", "Config"]),
        tests("Unit", "BootLoaderTests", ["BootLoader"]),
        tests("Unit", "CheckTests", ["Check", "Config", "ConfigFiles", "Image", "Linux", "Repository", "TestPeers"]),
        tests("Unit", "ConfigTests", ["Config", "Linux"]),
        tests("Unit", "ConsoleTests", ["Linux", "SeenTerminal", "Wire", "postern"]),
        tests("Unit", "HostKeysTests", ["Config", "HostKeys", "Linux", "TestPeers"]),
        tests("Unit", "HostProgramsTests", ["HostPrograms", "Linux", "TestPeers"]),
        tests("Unit", "ImageTests", ["Config", "ConfigFiles", "Image", "LUKS", "TestImages"]),
        tests("Unit", "LinuxTests", ["CMachine", "Linux"]),
        tests("Unit", "LUKSTests", ["CLinux", "LUKS", "Linux", "TestImages"]),
        tests("Unit", "NetworkTests", ["Config", "Linux", "Network", "Wire"]),
        tests("Unit", "NotifyTests", ["Config", "Linux", "Notify"]),
        tests("Unit", "PlanTests", ["Config", "Linux", "Plan", "Repository", "TestImages", "Wire"]),
        tests("Unit", "RecordsTests", ["Linux", "Records", "Repository", "TestPeers", "Wire"]),
        tests("Unit", "ReportTests", ["Linux", "Records", "Report", "Wire"]),
        tests("Unit", "SessionTests", ["Config", "Linux", "Session", "TestPeers", "Wire"]),
        tests("Unit", "SSHTests", ["SSH"]),
        tests("Unit", "TerminalTests", ["Linux", "SeenTerminal", "Terminal", "Wire"]),
        tests("Unit", "WireTests", ["Linux", "Repository", "Wire"]),
        tests("Unit", "WorkerTests", ["Linux", "LUKS", "TestImages", "Wire", "Worker", "postern"]),
        tests("EndToEnd", "BootTests", ["Machine", "Repository"]),
        tests("EndToEnd", "DebianTests", ["Machine", "Repository"]),
        tests(
            "EndToEnd", "LoopbackTests", ["Repository", "TestImages", "TestPeers"], exclude: ["ssh-audit.expected"]),
        tests(
            "EndToEnd", "NixTests", ["Repository", "TestPeers"],
            exclude: [
                "configurations", "eval.nix", "example-stubs.nix", "example.nix", "lib.nix", "modules.nix", "render",
                "stubs-scripted.nix", "stubs.nix",
            ]),
        tests("EndToEnd", "ScriptsTests", ["Repository", "TestPeers"]),
        // It searches whole memories.
        .target(name: "CMachine", path: "Tests/Support/CMachine", cSettings: [.unsafeFlags(["-O2"])]),
        support("Machine", ["CMachine", "Repository"]),
        support("Repository"),
        support("SeenTerminal"),
        support("TestImages", ["Linux"]),
        // Stand-ins for our own processes and for people, which tests of several modules use.
        support("TestPeers", ["CLinux", "CMachine", "Linux", "Repository", "Wire"]),
    ]
)

/// With `POSTERN_ONLY`, names of targets, the package has only these and what they depend on: for `Tests/run sanitize`, which
/// compiles all that it tests a second time.
if let only = Context.environment["POSTERN_ONLY"] {
    var kept: Set<String> = []
    var next = only.split(separator: " ").map(String.init)
    while let name = next.popLast() {
        guard let target = package.targets.first(where: { $0.name == name }) else {
            fatalError("POSTERN_ONLY: there is no target \(name)")
        }
        guard kept.insert(name).inserted else { continue }
        for case .byNameItem(let dependency, _) in target.dependencies { next.append(dependency) }
    }
    package.targets.removeAll { !kept.contains($0.name) }
    package.products = []
}
