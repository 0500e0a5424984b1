using System.Globalization;
using System.Text;

namespace DbBackup.Bench;

/// <summary>What the sample databases are filled with: words, sentences, moments, prices; the same ones for the same seed.</summary>
internal sealed class Prose
{
    private readonly Random _random;
    private readonly string[] _words = new string[1500];
    private DateTime _clock = new(2021, 1, 1, 0, 0, 0, DateTimeKind.Utc);

    public Prose(Random random)
    {
        _random = random;
        for (int i = 0; i < _words.Length; i++)
            _words[i] = Word();
    }

    /// <summary>A word that nobody knows.</summary>
    public string Word()
    {
        Span<char> letters = stackalloc char[_random.Next(2, 11)];
        for (int i = 0; i < letters.Length; i++)
            letters[i] = (i % 2 == 0 ? "bcdfghklmnprstvw" : "aaeeiou")[_random.Next(i % 2 == 0 ? 16 : 7)];
        return new string(letters);
    }

    /// <summary>Words of which few are frequent and many rare, as in prose.</summary>
    public string Sentence(int words)
    {
        var text = new StringBuilder(words * 6);
        for (int i = 0; i < words; i++)
        {
            double rank = _random.NextDouble();
            text.Append(i == 0 ? string.Empty : i % 11 == 0 ? ". " : " ").Append(_words[(int)(rank * rank * rank * rank * _words.Length)]);
        }

        return text.ToString();
    }

    /// <summary>Bytes that do not compress.</summary>
    public byte[] Noise(int length)
    {
        byte[] bytes = new byte[length];
        _random.NextBytes(bytes);
        return bytes;
    }

    /// <summary>A moment (UTC) a little later than the last one.</summary>
    public string Moment() => (_clock = _clock.AddSeconds(_random.Next(1, 90))).ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);

    /// <summary>An amount with two decimals.</summary>
    public double Price() => _random.Next(100, 99999) / 100.0;

    /// <summary>One of several.</summary>
    public string Pick(string[] from) => from[_random.Next(from.Length)];

    /// <summary>A number from zero to below a limit.</summary>
    public int Number(int limit) => _random.Next(limit);

    /// <summary>A number from the first to below the second.</summary>
    public int Number(int from, int limit) => _random.Next(from, limit);
}
