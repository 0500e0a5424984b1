using System.Buffers;
using System.Text;

namespace DbBackup.Tests.Fuzz;

/// <summary>Makes inputs from others: bytes, numbers, words, lines, pieces of other inputs.</summary>
internal sealed class Mutator
{
    private static readonly byte[][] s_numbers =
    [
        .. ((string[])["0", "-1", "1", "255", "65536", "2147483647", "2147483648", "4294967296", "9223372036854775807", "9223372036854775808", "99999999999999999999999", "1e400", "1.5", "00", "0x10"])
            .Select(Encoding.ASCII.GetBytes),
    ];

    // What is text to one reader and none to another: the end of a string, halves of letters, marks of direction and order, an escape.
    private static readonly byte[][] s_oddities =
    [
        [0], [0xff], [0xc3], [0xed, 0xa0, 0x80], [0xef, 0xbf, 0xbd], [0xef, 0xbb, 0xbf], [0xf0, 0x9f, 0x92, 0xbe], [0xe2, 0x80, 0xae], [0x1b], "\r\n"u8.ToArray(), "\n"u8.ToArray(),
        "\\"u8.ToArray(), "\""u8.ToArray(), "'"u8.ToArray(), "%"u8.ToArray(), "/"u8.ToArray(), "../"u8.ToArray(), ":"u8.ToArray(), "="u8.ToArray(), " "u8.ToArray(), "\t"u8.ToArray(), "$"u8.ToArray(),
    ];

    // A bracket, a quote: one that is not closed, or closed twice.
    private static readonly SearchValues<byte> s_signs = SearchValues.Create("\"'()[]{};$\\/"u8);

    private readonly Random _random;
    private readonly InputForm _form;
    private readonly byte[][] _words;
    private readonly int _longest;

    /// <param name="random">Chance.</param>
    /// <param name="form">What inputs look like.</param>
    /// <param name="words">What the parser looks for.</param>
    /// <param name="longest">The longest input.</param>
    public Mutator(Random random, InputForm form, IReadOnlyList<string> words, int longest)
    {
        _random = random;
        _form = form;
        _words = [.. words.Select(Encoding.UTF8.GetBytes)];
        _longest = longest;
    }

    /// <summary>Changes an input in one to eight places.</summary>
    public byte[] Mutate(byte[] input, IReadOnlyList<byte[]> others)
    {
        byte[] changed = input;
        for (int steps = _random.Next(2) == 0 ? 1 : 1 << _random.Next(4); steps > 0; steps--)
            changed = _form == InputForm.Json && _random.Next(3) > 0 ? JsonMutator.Mutate(changed, _random, _words) : Step(changed, others);
        return changed.Length <= _longest ? changed : changed[.._longest];
    }

    private byte[] Step(byte[] input, IReadOnlyList<byte[]> others)
    {
        int at = _random.Next(input.Length + 1);
        int length = Math.Min(input.Length - at, 1 + (int)(Math.Pow(_random.NextDouble(), 4) * input.Length));
        switch (_random.Next(_form == InputForm.Bytes ? 12 : 14))
        {
            case 0:
                return Replace(input, at, 0, s_oddities[_random.Next(s_oddities.Length)]);
            case 1:
                return Change(input, value => (byte)(value ^ (1 << _random.Next(8))));
            case 2:
                return Change(input, _ => (byte)_random.Next(256));
            case 3:
                return Replace(input, at, length, []);
            case 4:
                return Replace(input, at, 0, input.AsSpan(at, length));
            case 5:
                return input[..at];
            case 6:
                return Number(input);
            case 7:
                return _words.Length == 0 ? Change(input, value => (byte)(value + 1)) : Replace(input, at, _random.Next(2) == 0 ? 0 : length, _words[_random.Next(_words.Length)]);
            case 8:
                byte[] other = others[_random.Next(others.Count)];
                int from = _random.Next(other.Length + 1);
                return Replace(input, at, _random.Next(2) == 0 ? 0 : length, other.AsSpan(from, _random.Next(other.Length - from + 1)));
            case 9:
                byte[] tail = others[_random.Next(others.Count)];
                return [.. input[..at], .. tail[Math.Min(at, tail.Length)..]];
            case 10:
                return Repeat(input, at, Math.Min(length, 64));
            case 11:
                int to = _random.Next(input.Length + 1);
                byte[] piece = input[at..(at + length)];
                return Replace(Replace(input, at, length, []), Math.Min(to, input.Length - length), 0, piece);
            case 12:
                return Lines(input);
            default:
                int sign = input.AsSpan(at).IndexOfAny(s_signs);
                return sign < 0 ? Replace(input, at, 0, "\""u8) : Replace(input, at + sign, 1, _random.Next(2) == 0 ? [] : [input[at + sign], input[at + sign]]);
        }
    }

    private byte[] Change(byte[] input, Func<byte, byte> change)
    {
        if (input.Length == 0)
            return [(byte)_random.Next(256)];
        byte[] changed = [.. input];
        int at = _random.Next(input.Length);
        changed[at] = change(changed[at]);
        return changed;
    }

    private byte[] Number(byte[] input)
    {
        int at = _random.Next(input.Length + 1);
        int digit = input.AsSpan(at).IndexOfAnyInRange((byte)'0', (byte)'9');
        if (digit < 0)
            return Replace(input, at, 0, s_numbers[_random.Next(s_numbers.Length)]);
        at += digit;
        int end = at;
        while (end < input.Length && input[end] is >= (byte)'0' and <= (byte)'9')
            end++;
        return Replace(input, at, end - at, s_numbers[_random.Next(s_numbers.Length)]);
    }

    // Deep nests, long names, many records.
    private byte[] Repeat(byte[] input, int at, int length)
    {
        if (length == 0)
            return input;
        int times = 1 << _random.Next(2, 14);
        times = Math.Min(times, Math.Max(2, (_longest - input.Length) / length));
        byte[] piece = new byte[length * times];
        for (int index = 0; index < piece.Length; index++)
            piece[index] = input[at + (index % length)];
        return Replace(input, at, length, piece);
    }

    private byte[] Lines(byte[] input)
    {
        List<string> lines = [.. Encoding.Latin1.GetString(input).Split('\n')];
        int one = _random.Next(lines.Count), other = _random.Next(lines.Count);
        switch (_random.Next(4))
        {
            case 0:
                lines.RemoveAt(one);
                break;
            case 1:
                lines.Insert(one, lines[other]);
                break;
            case 2:
                (lines[one], lines[other]) = (lines[other], lines[one]);
                break;
            default:
                lines[one] += lines[other];
                break;
        }

        return Encoding.Latin1.GetBytes(string.Join('\n', lines));
    }

    private static byte[] Replace(byte[] input, int at, int length, ReadOnlySpan<byte> piece)
    {
        at = Math.Min(at, input.Length);
        return [.. input.AsSpan(0, at), .. piece, .. input.AsSpan(Math.Min(at + length, input.Length))];
    }
}
