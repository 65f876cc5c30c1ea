internal import HostPrograms
internal import Linux

/// An image as NixOS with systemd in stage 1 makes it, unpacked as others are laid out.
///
/// It is an archive, with what the processor is given before it and the secrets of `boot.initrd.secrets` behind it, once for
/// each time that the boot loader was installed. All but the first is compressed. What has a path of its own is a link into the
/// image's store:
///
/// ```
/// /etc/postern/postern.conf             -> /nix/store/HASH-postern.conf
/// /etc/systemd/system                   -> /nix/store/HASH-initrd-units
/// /lib                                  -> /nix/store/HASH-linux-6.12-modules-shrunk/lib
/// /.initrd-secrets/etc/postern/KEY      is copied to /etc/postern/KEY before the agent starts
/// ```
enum NixOSImage {
    /// The image of the system that nixos-rebuild(8) has built last, without secrets.
    static let newest = "/nix/var/nix/profiles/system/initrd"

    /// Compressors by what their files begin with.
    private static let compressors: [(mark: [UInt8], program: String)] = [
        ([0x28, 0xb5, 0x2f, 0xfd], "zstd"), ([0x1f, 0x8b], "gzip"), ([0xfd, 0x37, 0x7a, 0x58, 0x5a], "xz"),
    ]

    /// Arguments: where the compressed part begins, counted from 1, the image, the program, and the file to write.
    private static let decompress = #"tail -c "+$1" "$2" | "$3" -dc >"$4""#

    /// Arguments: the folder, the archive, and where each part of it begins, counted from 1. With links that lead into the
    /// folder, nothing of the machine's own store is taken for the image's.
    private static let lay = #"""
        cd "$1"
        archive=$2
        shift 2
        for start; do
            tail -c "+$start" "$archive" | cpio -idmu --quiet --no-absolute-filenames
        done
        find . -type l -lname '/*' -printf '%p\n%l\n' | while IFS= read -r link && IFS= read -r target; do
            up=./
            rest=${link#./}
            while [ "$rest" != "${rest#*/}" ]; do
                up=$up../
                rest=${rest#*/}
            done
            ln -sfn "$up${target#/}" "$link"
        done
        if [ -d .initrd-secrets ]; then cp -a .initrd-secrets/. .; fi
        unit=etc/systemd/system/postern.service
        [ -e "$unit" ] || exit 0
        agent=$(sed -n 's,^ExecStart=/\([^ ]*\) agent$,\1,p' "$unit")
        [ -e "$agent" ] || exit 0
        mkdir -p usr/sbin
        ln -sfn "../../$agent" usr/sbin/postern
        """#

    /// - Parameters:
    ///   - image: its path.
    ///   - tree: the folder that becomes its root.
    ///   - folder: a folder for a file of its own, of the size of all in it.
    ///   - seconds: the longest that each of two steps may take.
    ///   - interruption: by which it is ended early.
    /// - Throws: `UnpackedImage.Failure`.
    static func unpack(
        _ image: String, into tree: String, folder: String, seconds: Int, _ interruption: Interruption?
    ) throws(UnpackedImage.Failure) {
        var archive = image
        var parts = try archives(image)
        if let start = parts.rest {
            archive = folder + "/archive"
            let program = try compressor(of: image, at: start)
            try run(decompress, [String(start + 1), image, program, archive], seconds, interruption)
            parts = try archives(archive)
        }
        guard parts.rest == nil, !parts.starts.isEmpty else { throw .failed("what it holds is no archive") }
        try run(lay, [tree, archive] + parts.starts.map { String($0 + 1) }, seconds, interruption)
    }

    /// Whether an entry is one of the profile that `newest` is of, and of no specialisation.
    static func isPlain(_ entry: LoaderEntry) -> Bool {
        let (start, end) = ("nixos-generation-", ".conf")
        guard entry.id.hasPrefix(start), entry.id.hasSuffix(end) else { return false }
        return entry.id.utf8.dropFirst(start.utf8.count).dropLast(end.utf8.count).allSatisfy {
            (0x30...0x39).contains($0)
        }
    }

    /// Whether an image is another file with more behind it.
    ///
    /// - Parameters:
    ///   - image: its path.
    ///   - start: the path of the other file.
    /// - Returns: `nil` where that cannot be told.
    static func begins(_ image: String, with start: String) -> Bool? {
        let script = #"size=$(stat -Lc %s "$1"); exec cmp -s -n "$size" "$1" "$2""#
        let result = try? HostProgram.run(["/bin/sh", "-euc", script, "sh", start, image], seconds: 20)
        return switch result?.end {
        case .exited(0): true
        case .exited(1): false
        default: nil
        }
    }

    /// Whether scripted stage 1 starts the agent in an unpacked image.
    static func isScripted(_ tree: String) -> Bool {
        guard !Files.exists(tree + "/etc/systemd/system"),
            let script = try? Files.readRegular(tree + "/init", limit: 4 << 20)
        else { return false }
        return script.split(separator: UInt8(ascii: "\n")).contains { line in
            line.drop { $0 == 0x20 }.starts(with: "postern agent".utf8)
        }
    }

    private static func archives(_ path: String) throws(UnpackedImage.Failure) -> CPIOArchives {
        do throws(SystemError) { return try CPIOArchives(path) } catch { throw .failed(error.description) }
    }

    private static func compressor(of image: String, at place: Int) throws(UnpackedImage.Failure) -> String {
        let start: [UInt8]
        do throws(SystemError) {
            start = Array(try Files.readStart(of: image, count: place + 8).dropFirst(place))
        } catch { throw .failed(error.description) }
        guard let name = compressors.first(where: { start.starts(with: $0.mark) })?.program else {
            throw .noPlace("neither zstd nor gzip nor xz has compressed it")
        }
        guard let program = HostProgram.find(name) else { throw .noPlace("\(name) is not installed") }
        return program
    }

    private static func run(
        _ script: String, _ arguments: [String], _ seconds: Int, _ interruption: Interruption?
    ) throws(UnpackedImage.Failure) {
        let result: HostProgram.Result
        do throws(SystemError) {
            result = try HostProgram.run(
                ["/bin/sh", "-euc", script, "sh"] + arguments, seconds: seconds, interruption: interruption)
        } catch { throw .noPlace(error.description) }
        guard result.end != .tookTooLong else { throw .tookTooLong }
        guard result.succeeded else { throw .failed(result.failure) }
    }
}
