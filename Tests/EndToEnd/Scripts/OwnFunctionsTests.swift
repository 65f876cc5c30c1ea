import Foundation
import Repository
import TestPeers
import Testing

// On arm64 the string functions are glibc's.
#if arch(x86_64)
    /// The functions of ours that the static agent has in the place of glibc's: `Sources/CLinux/strings.c`, `scanf.c`, `locales.c`.
    @Suite struct OwnFunctionsTests {
        @Test func `our functions return and write what glibc's do`() throws {
            let folder = try TemporaryFolder()
            let root = Repository.root
            // Under other names, for the program that compares them has glibc's, too.
            let script = """
                cd '\(folder.path(""))'
                for name in strings scanf locales; do
                    clang -O2 -fPIC -DPOSTERN_STATIC -D_GNU_SOURCE -c -o $name.o '\(root.path)'/Sources/CLinux/$name.c
                    llvm-nm --defined-only $name.o | sed -n 's/.* [TWDBR] \\(.*\\)/\\1 own_\\1/p' >>names
                done
                echo __printf_buffer_write own___printf_buffer_write >>names
                for name in strings scanf locales; do llvm-objcopy --redefine-syms=names $name.o; done
                clang -O1 -fno-builtin -D_GNU_SOURCE -o compare '\(root.path)'/Tests/Support/glibc/compare.c ./*.o
                ./compare
                """
            let end = try run("sh", ["-euc", script])
            #expect(end.status == 0, "\(end.err)")
            let lines = end.out.split(separator: "\n")
            #expect(lines.count == 1, "\(lines.prefix(20))")
            #expect(lines.last.flatMap { Int($0.prefix { $0.isNumber }) } ?? 0 > 1_000_000)
        }
    }
#endif
