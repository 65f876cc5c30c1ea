internal import HostPrograms
internal import Linux

/// An image that is unpacked into a folder which only root can enter, and which is removed with all that is in it.
enum UnpackedImage {
    /// What unpacks images here.
    struct Tool {
        private enum Kind {
            case tools, dracut
            /// None of the two is there.
            case nixOS
        }

        private let program: String
        private let kind: Kind

        /// What unpacks an image of NixOS: cpio(1), and what it is compressed with.
        static var ofNixOS: Tool? { HostProgram.find("cpio").map { Tool(program: $0, kind: .nixOS) } }

        private init(program: String, kind: Kind) {
            self.program = program
            self.kind = kind
        }

        /// - Parameter prefersDracut: whether dracut makes the images.
        init?(prefersDracut: Bool) {
            let tools = HostProgram.find("unmkinitramfs")
            let dracuts = HostProgram.find("lsinitrd")
            guard let program = prefersDracut ? dracuts ?? tools : tools ?? dracuts else { return nil }
            self.init(program: program, kind: program.hasSuffix("lsinitrd") ? .dracut : .tools)
        }

        fileprivate func unpack(
            _ image: String, into tree: String, folder: String, seconds: Int, _ interruption: Interruption?
        ) throws(Failure) {
            let words: [String]
            switch kind {
            case .tools: words = [program, image, tree]
            case .dracut:
                words = ["/bin/sh", "-c", "cd \"$1\" && exec \"$2\" --unpack \"$3\"", "sh", tree, program, image]
            case .nixOS:
                return try NixOSImage.unpack(image, into: tree, folder: folder, seconds: seconds, interruption)
            }
            let result: HostProgram.Result
            do throws(SystemError) {
                // The tools put parts of the image, with host keys in them, there: nothing is left when they are killed.
                result = try HostProgram.run(
                    words, environment: ["TMPDIR=" + folder], seconds: seconds, interruption: interruption)
            } catch { throw .noPlace(error.description) }
            guard result.end != .tookTooLong else { throw .tookTooLong }
            guard result.succeeded else { throw .failed(result.failure) }
        }
    }

    /// Why there was nothing to look at.
    enum Failure: Error, Equatable {
        case tookTooLong
        /// This machine has no room or no process for it: the image may be good.
        case noPlace(String)
        /// What the program that unpacks it says.
        case failed(String)
    }

    /// Unpacks an image, and removes it again after `look`.
    ///
    /// - Parameters:
    ///   - image: its path.
    ///   - isUnified: whether it is one file with its kernel.
    ///   - tool: what unpacks it.
    ///   - seconds: the longest that it may take.
    ///   - interruption: by which it is ended early, with a failure.
    ///   - look: is told the root of the tree, and of a folder for files of its own.
    /// - Throws: `Failure`.
    static func with(
        _ image: String, isUnified: Bool = false, _ tool: Tool, seconds: Int, _ interruption: Interruption? = nil,
        _ look: (_ tree: String, _ folder: String) -> Void
    ) throws(Failure) {
        let work: WorkFolder
        do throws(SystemError) { work = try WorkFolder() } catch { throw .noPlace(error.description) }
        defer { work.remove() }
        let folder = work.path
        let whole = folder + "/image"
        var image = image
        if isUnified {
            let initrd = folder + "/initrd"
            guard let unified = UnifiedImage(image) else { throw .failed("it is no image with a kernel") }
            if let problem = unified.extract(image, to: initrd, seconds: seconds, interruption) {
                throw .failed(problem)
            }
            image = initrd
        }
        do throws(SystemError) { try Files.makeFolder(whole, mode: 0o700) } catch {
            throw .noPlace(error.description)
        }
        try tool.unpack(image, into: whole, folder: folder, seconds: seconds, interruption)
        // Beside it lies what the processor is given before.
        look(Files.isFolder(whole + "/main") ? whole + "/main" : whole, folder)
    }
}
