using DbBackup.Engine.Repositories;
using DbBackup.Engine.Repositories.Storage;
using DbBackup.Engine.Sources.PostgreSql;

namespace DbBackup.Engine.Restores;

/// <summary>
/// The entries by which a repository remembers databases that restores have kept on their servers. An entry is written before the
/// database is renamed, so that none is ever kept unknown.
/// </summary>
internal static class KeptDatabases
{
    /// <summary>Writes the entry.</summary>
    public static BackupKey Publish(BackupRepository repository, string source, KeptDatabase kept, string? schemaRevision, string serverVersion, DateTimeOffset now)
    {
        for (int number = 1; ; number++)
        {
            string name = BackupName.Automatic(now, BackupType.Safety) + (number == 1 ? string.Empty : $"-{number}");
            var manifest = new Manifest
            {
                Id = Guid.NewGuid(),
                Name = name,
                Type = BackupType.Safety,
                Created = now.ToUniversalTime(),
                Completed = now.ToUniversalTime(),
                Source = new SourceInfo { Name = source, Engine = PostgreSqlSource.EngineName, EngineVersion = serverVersion, Location = kept.Location },
                Payloads = [],
                SchemaRevision = schemaRevision,
                Host = Environment.MachineName,
                ModuleVersion = typeof(KeptDatabases).Assembly.GetName().Version?.ToString(3),
                Kept = kept,
                Notes = [$"The database '{kept.Replaced}' as it was before '{kept.ReplacedBy}' was restored. It lies on its server, not in this repository."],
            };
            using IStagedBackup staged = repository.Storage.Stage(null);
            using (var writer = new StreamWriter(staged.Create(RestoreInstructions.FileName)))
                writer.Write(RestoreInstructions.Write(manifest));
            var key = new BackupKey(source, name);
            if (staged.TryPublish(key, ManifestJson.Write(manifest)))
                return key;
        }
    }

    /// <summary>Takes an entry back whose database was not renamed after all, or has its old name again.</summary>
    public static void Withdraw(BackupRepository repository, BackupKey key) => repository.Storage.Remove(key);
}
