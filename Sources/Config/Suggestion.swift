/// The known name that `word` was probably meant to be, or `nil` when none is near.
///
/// Near is at most two letters added, left out, exchanged or swapped with their neighbour, and fewer than half of them.
func nearest(to word: some Sequence<UInt8>, among names: [String]) -> String? {
    let word = lowercased(word)
    var best: (name: String, distance: Int)?
    for name in names {
        let letters = lowercased(name.utf8)
        guard abs(letters.count - word.count) <= 2 else { continue }
        let distance = editDistance(word, letters)
        guard distance <= 2, distance * 2 < letters.count else { continue }
        if let found = best, found.distance <= distance { continue }
        best = (name, distance)
    }
    return best?.name
}

/// The number of single edits between two words (Damerau and Levenshtein's, each letter edited once).
private func editDistance(_ a: [UInt8], _ b: [UInt8]) -> Int {
    var older: [Int] = []
    var last = Array(0...b.count)
    for i in 0..<a.count {
        var row = [i + 1]
        for j in 0..<b.count {
            var cost = min(last[j] + (a[i] == b[j] ? 0 : 1), last[j + 1] + 1, row[j] + 1)
            if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { cost = min(cost, older[j - 1] + 1) }
            row.append(cost)
        }
        older = last
        last = row
    }
    return last[b.count]
}
