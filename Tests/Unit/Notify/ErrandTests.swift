import Config
import Foundation
import Testing

@testable import Notify

/// What is sent, in each form and on each way.
@Suite struct ErrandTests {
    private let nasty = Announcement("event", "a\"b\\c <!channel> & é \u{202E}", at: 1_795_780_995)

    private func object(_ form: NotifyTarget.Form) throws -> [String: Any] {
        let body = nasty.body(form, host: "nas \"1\"")
        return try #require(try JSONSerialization.jsonObject(with: Data(body.utf8)) as? [String: Any], "\(body)")
    }

    @Test func `each form's body says the text`() throws {
        #expect(nasty.body(.ntfy, host: "nas") == nasty.text)
        #expect(try object(.discord)["content"] as? String == nasty.text)
        #expect(try object(.slack)["text"] as? String == nasty.text)
        let json = try object(.json)
        #expect(json["host"] as? String == "nas \"1\"" && json["event"] as? String == "event")
        #expect(json["text"] as? String == nasty.text && json["time"] as? String == "2026-11-27T12:03:15Z")
    }

    private func text(_ form: NotifyTarget.Form, _ url: String) throws -> String {
        let target = try #require(NotifyTarget(form, url: url))
        return Errand.text(nasty, to: target, host: "nas \"é\"")
    }

    @Test func `to a numeric address it is a request of HTTP, which takes no curl`() throws {
        let text = try text(.ntfy, "http://[2001:db8::1]/topic?a=b")
        let end = try #require(text.firstRange(of: "\n"))
        #expect(ListenAddress(String(text[..<end.lowerBound]))?.address == PeerAddress("2001:db8::1"))
        let parts = text[end.upperBound...].components(separatedBy: "\r\n\r\n")
        #expect(parts.count == 2 && parts[1] == nasty.text)
        #expect(
            parts[0].components(separatedBy: "\r\n") == [
                "POST /topic?a=b HTTP/1.1", "Host: [2001:db8::1]", "User-Agent: postern", "Connection: close",
                "Content-Length: \(nasty.text.utf8.count)", "Content-Type: text/plain; charset=utf-8", "Title: nas",
            ])
    }

    @Test(arguments: NotifyTarget.Form.allCases)
    func `over TLS it is curl's configuration, whose values curl reads as they are`(form: NotifyTarget.Form) throws {
        let text = try text(form, "https://a.example/[x]?auth=secret")
        #expect(text.hasPrefix("#\nurl = \"https://a.example/[x]?auth=secret\"\n"))
        // Each line is a flag or a value in one pair of quotes.
        for line in text.split(separator: "\n").dropFirst() {
            #expect(try line.wholeMatch(of: Regex(#"[a-z-]+( = ("([^"\\]|\\.)*"|[0-9]+))?"#)) != nil, "\(line)")
        }
        #expect(text.contains("\nheader = \"Title: nas\"\n") == (form == .ntfy))
        let data = try #require(text.split(separator: "\n").first { $0.hasPrefix("data-raw = \"") })
        let value = data.dropFirst(12).dropLast().replacing("\\\"", with: "\"").replacing("\\\\", with: "\\")
        #expect(value == nasty.body(form, host: "nas \"é\""))
        #expect(ListenAddress("#") == nil)
    }

    @Test func `the largest one is within the bound`() throws {
        let text = String(repeating: "\"\u{202E}", count: 250)
        let target = try #require(NotifyTarget(.json, url: "https://a/" + String(repeating: "a", count: 1014)))
        let announcement = Announcement("x", text, at: 0)
        #expect(text.utf8.count == Announcement.longestText)
        #expect(
            Errand.text(announcement, to: target, host: String(repeating: "\"", count: 64)).utf8.count < Errand.limit
                / 2)
    }
}
