@main
enum Postern {
    static func main() {}
}
