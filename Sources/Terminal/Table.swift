internal import Wire

/// The state as lines: the header, each volume and its state, the notices.
enum Table {
    /// The lines, broken to `columns`; `devices` says whether each volume's device is shown.
    static func lines(_ state: MachineState, columns: Int, devices: Bool) -> [String] {
        var lines = Text.wrapped(Words.header(state), columns: columns)
        if state.rehearsal { lines += Text.wrapped(Words.rehearsal, columns: columns) }
        let names = state.volumes.map { Text.clean($0.name) }
        // One long name does not push the states of all others away.
        let column = min(names.map(Text.width).max() ?? 0, max(columns / 2 - 4, 8))
        for (name, volume) in zip(names, state.volumes) {
            let padding = String(repeating: " ", count: max(column - Text.width(name), 0))
            var line = "  \(name)\(padding)  \(Words.status(volume))"
            // A missing device is in the status already.
            let isShown = volume.state == .deviceMissing && volume.detail.isEmpty
            if devices, !volume.device.isEmpty, !isShown { line += " (\(Text.clean(volume.device)))" }
            lines += Text.wrapped(line, columns: columns, indent: 4)
        }
        if state.volumes.isEmpty { lines.append(Words.nothingLocked) }
        for notice in state.allNotices { lines += Text.wrapped(Text.clean(notice), columns: columns) }
        return lines
    }
}
