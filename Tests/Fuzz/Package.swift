// swift-tools-version: 6.2
// Build in this folder with
//     swift build --sanitize fuzzer --sanitize address \
//         -Xswiftc -sanitize-coverage=edge,trace-cmp,pc-table,inline-8bit-counters
// (6.3.1 leaves the last out by itself: the fuzzer then says "cov: 1" and searches blindly)
// and run a harness on its corpus, here for five minutes, with new inputs kept elsewhere:
//     ASAN_OPTIONS=detect_leaks=0 .build/debug/FuzzCrypttab -max_total_time=300 -max_len=4096 /tmp/new Corpus/FuzzCrypttab
// SWIFT_BACKTRACE=enable=no has it write the input that crashed. What it finds becomes a file of the corpus and a row of
// a test.
import PackageDescription

/// A harness for one reader of the package.
func harness(_ name: String) -> Target {
    .executableTarget(
        name: name,
        dependencies: [.product(name: "Pure", package: "postern")],
        swiftSettings: [.unsafeFlags(["-parse-as-library"])])
}

let package = Package(
    name: "fuzz",
    dependencies: [.package(name: "postern", path: "../..")],
    targets: [
        harness("FuzzAuthorizedKeys"),
        harness("FuzzCrypttab"),
        harness("FuzzLineEditor"),
        harness("FuzzNetwork"),
        harness("FuzzPlan"),
        harness("FuzzSettings"),
        harness("FuzzWire"),
    ]
)
