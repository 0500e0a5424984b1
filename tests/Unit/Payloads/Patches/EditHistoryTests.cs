using System.Globalization;
using DbBackup.Engine.Payloads;
using DbBackup.Engine.Payloads.Patches;
using DbBackup.Testing;
using static DbBackup.Testing.PayloadSample;

namespace DbBackup.Tests.Unit.Payloads.Patches;

/// <summary>
/// Random histories of a payload: one full backup, and after each of several rounds of edits an incremental one of it. Each gives back what a full
/// backup of the same moment holds. DBBACKUP_TEST_HISTORIES says how many histories there are, DBBACKUP_TEST_SEED which.
/// </summary>
public sealed class EditHistoryTests
{
    private const int Usual = 150;
    private const int Complete = 5000;
    private const int Generations = 4;
    private static readonly int[] s_blockSizes = [1 << 14, 1 << 15, 1 << 16];

    private static int Histories => Number("DBBACKUP_TEST_HISTORIES") ?? Sampling.Rounds(Usual, Complete);

    [Fact]
    public async Task Each_generation_is_what_a_full_backup_of_its_moment_holds()
    {
        int first = Number("DBBACKUP_TEST_SEED") ?? 0;
        var kinds = new HashSet<PatchKind>();
        int incremental = 0;
        long stored = 0, whole = 0;
        for (int seed = first; seed < first + Histories; seed++)
        {
            var random = new Random(seed);
            PayloadWriteOptions options = Zstd(random.Next(4) == 0 ? ManagedZstd.Instance : ZstdLibrary.Best, random.Next(1, 4)) with { BlockSize = s_blockSizes[random.Next(s_blockSizes.Length)] };
            byte[] content = EditedContent.Create(random, random.Next(1, 24 * options.BlockSize));
            (byte[] full, Payload parent) = await WriteAsync(content, options, null);
            for (int generation = 1; generation <= Generations; generation++)
            {
                content = EditedContent.Edit(content, random, options.BlockSize, random.Next(0, 7));
                byte[] difference;
                Payload payload;
                using (ParentPayload before = (await OpenAsync(full, parent, options.Zstd))!)
                    (difference, payload) = await WriteAsync(content, options, before);
                (byte[] sameMoment, Payload fullOfMoment) = await WriteAsync(content, options, null);

                byte[] joined = await JoinAsync(difference, payload, full, parent, options.Zstd);
                byte[] unpacked = await UnpackAsync(sameMoment, fullOfMoment);
                Assert.True(content.AsSpan().SequenceEqual(joined), $"Seed {seed}, generation {generation}: not what was backed up.");
                Assert.True(joined.AsSpan().SequenceEqual(unpacked), $"Seed {seed}, generation {generation}: not what the full backup holds.");
                kinds.UnionWith(KindsOf(difference));
                incremental++;
                stored += difference.Length;
                whole += sameMoment.Length;
            }
        }

        TestContext.Current.TestOutputHelper?.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{Histories} histories, {incremental} incremental backups of {stored >> 20} MiB in all; as full ones {whole >> 20} MiB."));
        // Otherwise the edits do not reach what is tested.
        Assert.Equal([PatchKind.Copy, PatchKind.Patch, PatchKind.New], kinds.Order());
        Assert.True(stored < whole, $"{stored} of {whole}");
    }

    private static async Task<(byte[] Stored, Payload Payload)> WriteAsync(byte[] content, PayloadWriteOptions options, ParentPayload? parent)
    {
        using var target = new MemoryStream();
        await using var writer = new PayloadWriter(target, options, null, CancellationToken.None, parent);
        await writer.CopyFromAsync(new MemoryStream(content), null, CancellationToken.None);
        PayloadDigest digest = await writer.CompleteAsync();
        return (target.ToArray(), Describe(parent is null ? PayloadCompression.Zstd : PayloadCompression.ZstdPatch, digest));
    }

    private static Task<ParentPayload?> OpenAsync(byte[] full, Payload parent, ZstdLibrary zstd) => ParentPayload.OpenAsync(
        parent, (offset, length, _) => Task.FromResult<Stream>(new MemoryStream(full, (int)offset, (int)Math.Min(length, full.Length - offset))), null, 3, zstd, CancellationToken.None);

    private static async Task<byte[]> JoinAsync(byte[] difference, Payload payload, byte[] full, Payload parent, ZstdLibrary zstd)
    {
        using var content = new MemoryStream();
        await using var reader = new PayloadReader(new MemoryStream(difference), payload, zstd, CancellationToken.None, null, async _ => (await OpenAsync(full, parent, zstd))!);
        await reader.CopyToAsync(content);
        return content.ToArray();
    }

    private static int? Number(string variable) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : null;
}
