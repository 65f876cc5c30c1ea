// swift-tools-version: 6.2
// Build in this folder with
//     export POSTERN_PREFIX=$(../../initrd/libraries --sanitized-libssh)
//     PKG_CONFIG_PATH=$POSTERN_PREFIX swift build --sanitize fuzzer --sanitize address \
//         -Xswiftc -sanitize-coverage=edge,trace-cmp,pc-table,inline-8bit-counters
// (6.3.1 leaves the last out by itself: the fuzzer then says "cov: 1" and searches blindly)
// and run a harness on its corpus, here for five minutes, with new inputs kept elsewhere:
//     ASAN_OPTIONS=detect_leaks=0 .build/debug/FuzzCrypttab -max_total_time=300 -max_len=4096 /tmp/new Corpus/FuzzCrypttab
// The folder of the whole repository may have any name but "fuzz", which SwiftPM would take for this package.
// SWIFT_BACKTRACE=enable=no has it write the input that crashed, and POSTERN_FUZZ_TRACE=1 has FuzzSession print what is
// said on both sides. What it finds becomes a file of the corpus and a row of
// a test.
import PackageDescription

/// A harness for one reader of the package, or for some of a kind.
func harness(
    _ name: String, product: String = "Pure", _ dependencies: [Target.Dependency] = [], link: [String] = []
) -> Target {
    .executableTarget(
        name: name,
        dependencies: [.product(name: product, package: "postern")] + dependencies,
        swiftSettings: [.unsafeFlags(["-parse-as-library"])],
        linkerSettings: link.isEmpty ? [] : [.unsafeFlags(["-use-ld=lld"] + link.flatMap { ["-Xlinker", $0] })])
}

/// As in the shipped link: libssh has the first two, but no public header, and CSigner and CGate stand in for the others.
let sessionLink = [
    "-u", "ssh_packet_set_callbacks", "-u", "ssh_auth_reply_default", "--wrap=ssh_srv_pki_do_sign_sessionid",
    "--wrap=ssh_pki_signature_verify", "--wrap=ssh_pki_export_privkey_to_pubkey", "--wrap=ssh_make_sessionid",
    "--wrap=ssh_send_kex", "--wrap=ssh_kex_select_methods", "--wrap=sha256", "--wrap=sha384", "--wrap=sha512",
    "--wrap=ssh_socket_exception_callback",
]
/// Time and waiting, which the fuzzer of a whole session has in its hands.
let wrapped = ["--wrap=poll", "--wrap=clock_gettime"]

let package = Package(
    name: "fuzz",
    dependencies: [.package(name: "postern", path: "../..")],
    targets: [
        harness("FuzzAuthorizedKeys"),
        harness("FuzzBootLoader"),
        harness("FuzzCrypttab"),
        harness("FuzzFrames"),
        harness("FuzzGate", product: "Session", link: sessionLink),
        harness("FuzzImage"),
        .target(name: "Base64"),
        harness("FuzzKeys", ["Base64"]),
        harness("FuzzLineEditor"),
        harness("FuzzLoader"),
        harness("FuzzNetwork"),
        harness("FuzzNotify"),
        harness("FuzzPlan"),
        harness("FuzzQuestion"),
        harness("FuzzReport"),
        harness("FuzzScreen"),
        .target(name: "CSession", cSettings: [.define("_GNU_SOURCE")]),
        // What a client has to log in with, for both of the next.
        .target(name: "Peer", dependencies: ["Base64", "CSession", .product(name: "Session", package: "postern")]),
        harness("FuzzSession", product: "Session", ["CSession", "Peer"], link: sessionLink + wrapped),
        harness("FuzzSettings"),
        harness("FuzzSigner", product: "Session", ["Peer"], link: sessionLink + wrapped),
        harness("FuzzWire"),
        harness("FuzzWords"),
    ]
)
