import Glibc
import Testing

@testable import Linux

@Suite struct SealedBytesTests {
    @Test func `what is sealed is read by all and changed by nobody`() throws {
        let bytes = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 / 7) }
        let sealed = try SealedBytes.make(try bytes.withUnsafeBytes { try SecretBytes(copying: $0) })
        for _ in 0..<2 {
            let read = try SealedBytes.read(sealed, limit: bytes.count)
            #expect(read.withUnsafeBytes { Array($0) } == bytes)
        }
        #expect(pwrite(sealed.number, "x", 1, 0) == -1 && errno == EPERM)
        #expect(ftruncate(sealed.number, 1) == -1 && errno == EPERM)
        #expect(mmap(nil, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, sealed.number, 0) == MAP_FAILED)
        #expect(throws: SystemError.self) { _ = try SealedBytes.read(sealed, limit: bytes.count - 1) }
    }

    @Test func `what is not there is an error`() {
        #expect(throws: SystemError.self) { _ = try SealedBytes.read(FileDescriptor(owning: 4_000), limit: 10) }
    }
}
