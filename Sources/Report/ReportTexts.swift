/// What the command prints of records, without what it asks the machine for.
public enum ReportTexts {
    /// The text and the JSON of what the lines of events.jsonl tell.
    public static func ofEvents(_ bytes: [UInt8]) -> [(text: String, json: String)] {
        guard let story = ReportCommand.story(bytes, boot: "boot", started: 0) else { return [] }
        return [(StoryText.text(story) + StoryText.line(story), StoryJSON.text(story))]
    }

    /// The same of the lines of `journalctl -o json`, for each boot.
    public static func ofJournal(_ bytes: [UInt8]) -> [(text: String, json: String)] {
        ReportCommand.stories(ofJournal: bytes, without: nil).map { (StoryText.text($0), StoryJSON.text($0)) }
    }
}
