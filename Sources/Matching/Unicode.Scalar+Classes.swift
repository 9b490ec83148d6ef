/// What is asked of every scalar of a prompt. ASCII is answered here: Unicode's tables take some twenty times as long.
extension Unicode.Scalar {
    var isSpace: Bool { isASCII ? value == 0x20 || value >= 0x09 && value <= 0x0D : properties.isWhitespace }

    var isCapital: Bool { isASCII ? value >= 0x41 && value <= 0x5A : properties.isUppercase }

    var isSmall: Bool { isASCII ? value >= 0x61 && value <= 0x7A : properties.isLowercase }
}
