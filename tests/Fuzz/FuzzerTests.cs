using System.Text;

namespace DbBackup.Tests.Fuzz;

/// <summary>The fuzzer finds what it is for, in parsers with planted defects.</summary>
public sealed class FuzzerTests
{
    [Theory]
    [InlineData("raw", "IndexOutOfRangeException")]
    [InlineData("hang", "hang")]
    [InlineData("memory", "memory")]
    [InlineData("property", "the length is kept")]
    [InlineData("deep", "NotSupportedException")]
    public void A_planted_defect_is_found(string defect, string kind)
    {
        using var target = new PlantedTarget { Defect = defect };

        FuzzReport report = new Fuzzer(target, seed: 1, [], TimeSpan.FromSeconds(1)).Run(TimeSpan.FromSeconds(10));

        Finding finding = Assert.Single(report.Findings);
        Assert.StartsWith(kind, finding.Kind, StringComparison.Ordinal);
        Assert.Contains(Convert.ToBase64String(finding.Input), report.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_parser_without_a_defect_has_no_finding_and_a_seed_repeats_its_inputs()
    {
        using var target = new PlantedTarget { Defect = "none", Most = 500 };
        IReadOnlyList<string> first = Inputs(target), second = Inputs(target);

        Assert.Equal(first.Take(500), second.Take(500));
    }

    private static List<string> Inputs(PlantedTarget target)
    {
        target.Seen.Clear();
        Assert.Empty(new Fuzzer(target, seed: 7, []).Run(TimeSpan.FromSeconds(1)).Findings);
        return [.. target.Seen];
    }

    private sealed class PlantedTarget : FuzzTarget
    {
        private int _found;

        public required string Defect { get; init; }

        public int Most { get; init; }

        public List<string> Seen { get; } = [];

        public override IReadOnlyList<string> Words => ["tar"];

        public override IEnumerable<byte[]> Seeds() => [Utf8("name=value\n")];

        public override object? Run(byte[] input)
        {
            if (Seen.Count < Most)
                Seen.Add(Convert.ToBase64String(input));
            string text = Encoding.Latin1.GetString(input);
            int place = text.IndexOf('=', StringComparison.Ordinal);
            if (place < 0)
                throw new BackupFailure(ErrorCodes.InvalidArgument, FailureCategory.InvalidArgument, "There is no '='.", "Write name=value.");
            switch (Defect)
            {
                // Only one of them: the report is to have a single finding.
                case "raw" when place + 1 == text.Length:
                    return text.ToCharArray()[place + 1];
                case "hang" when text.Contains('\\', StringComparison.Ordinal):
                    Thread.Sleep(Timeout.Infinite);
                    return null;
                case "memory" when text.Contains('9', StringComparison.Ordinal) && _found++ == 0:
                    return new byte[200 << 20].Length;
                case "property":
                    Require(text.Length < 1000, "the length is kept");
                    return null;
                // Behind two others: found because inputs with a new way are kept.
                case "deep":
                    int depth = text.Contains("tar", StringComparison.Ordinal) ? text.Contains("tarvalue", StringComparison.Ordinal) ? 2 : 1 : 0;
                    return depth == 2 && text.EndsWith('\\') ? throw new NotSupportedException() : depth;
                default:
                    return place;
            }
        }
    }
}
