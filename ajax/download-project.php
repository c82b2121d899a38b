<?php
// Gives a project to a simulation server: the base project, with the user's own files laid over it, as a ZIP archive.
//
// For any web server with PHP 8; of its extensions only zlib is needed. Put this file into the website's folder ajax.
// Lines marked ADAPT are where your website may differ. The folder DATA, which must not be inside the website, has
//
//     key                     its first line is the key that simulation servers have in their keyDir
//     secret                  its first line is what users' tokens are signed with
//     projects/PROJECT        base projects
//     user/ID/projects        users' own versions of files, as upload-file.php saves them

declare(strict_types=1);
ini_set('display_errors', '0');

// ADAPT: where projects, users' files, the key and the secret are.
define('DATA', getenv('WEBOTS_DATA') ?: '/var/lib/webots-cloud/host');

const BLOCK_BYTES = 65536;

// A larger file would need an archive of another kind.
const MAX_FILE_BYTES = 4000000000;

/** Its text is told to the simulation server. */
class Refusal extends Exception {}

/** Tells whether somebody is the user whose id is given. */
function is_authentic(string $user, string $authentication): bool
{
    // ADAPT: any token will do that your pages get from you and nobody can guess.
    return hash_equals(hash_hmac('sha256', "authentication:$user", first_line('secret')), $authentication);
}

/** Tells whether a name has no dot at its beginning, no slash, nothing else that could lead elsewhere. */
function is_plain(string $name): bool
{
    return preg_match('/\A[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}\z/', $name) === 1;
}

/** Gives the first line of a file in DATA. */
function first_line(string $name): string
{
    $line = trim(explode("\n", (string) file_get_contents(DATA . "/$name"), 2)[0]);
    if ($line === '') {
        throw new RuntimeException("the first line of $name is empty");
    }
    return $line;
}

/** Gives a form field that must be there. */
function field(string $name): string
{
    if (!is_string($_POST[$name] ?? null)) {
        throw new Refusal("missing field: $name.");
    }
    return $_POST[$name];
}

/** Gives the user's id, and null where there is no user. */
function user(): ?string
{
    $user = isset($_POST['user1Id']) ? field('user1Id') : '';
    if ($user === '' || $user === '0') {
        return null;
    }
    $authentication = isset($_POST['user1Authentication']) ? field('user1Authentication') : '';
    if (!is_plain($user) || !is_authentic($user, $authentication)) {
        throw new Refusal('wrong user authentication; reload the page.');
    }
    return $user;
}

/** Tells whether folders lie within each other, none of them a symbolic link. */
function is_folder(string ...$folders): bool
{
    $path = DATA;
    foreach ($folders as $folder) {
        $path .= "/$folder";
        if (is_link($path) || !is_dir($path)) {
            return false;
        }
    }
    return true;
}

/** Lists the files in a folder by their names in it; nothing hidden, nothing through symbolic links. */
function files_below(string $folder, string $prefix = ''): array
{
    $files = [];
    foreach (scandir($folder) as $name) {
        $path = "$folder/$name";
        if ($name[0] === '.' || is_link($path)) {
            continue;
        }
        if (is_dir($path)) {
            $files += files_below($path, "$prefix$name/");
        } elseif (is_file($path)) {
            $files["$prefix$name"] = $path;
        }
    }
    return $files;
}

/** Lists what the form asks for. */
function wanted_files(): array
{
    if (!hash_equals(first_line('key'), field('key'))) {
        throw new Refusal('wrong key.');
    }
    $project = field('project');
    $user = user();
    $files = is_plain($project) && is_folder('projects', $project) ? files_below(DATA . "/projects/$project") : [];
    if (!$files) {
        throw new Refusal('no such directory: ' . substr(preg_replace('/[^\x20-\x7e]/', '', $project), 0, 80));
    }
    if ($user !== null && is_folder('user', $user, 'projects', $project)) {
        $files = files_below(DATA . "/user/$user/projects/$project") + $files;
    }
    ksort($files, SORT_STRING);
    return $files;
}

/** Sends a part of the archive, and tells how long it is. */
function send(string $data): int
{
    echo $data;
    flush();
    return strlen($data);
}

/** Sends files as an archive, each with its size after it, so that nothing is held but one block. */
function send_archive(array $files): void
{
    $offset = 0;
    $directory = '';
    foreach ($files as $name => $path) {
        $name = (string) $name;
        $status = stat($path);
        [$year, $month, $day, $hour, $minute, $second] = array_map('intval', explode(' ', gmdate('Y n j G i s', $status['mtime'])));
        $date = $year < 1980 ? 0x21 : ($year - 1980) << 9 | $month << 5 | $day;
        $time = $hour << 11 | $minute << 5 | $second >> 1;
        // Flags: sizes follow (bit 3), the name is UTF-8 (bit 11). Method 8: deflate.
        $how = pack('vvvvv', 20, 0x808, 8, $time, $date);
        $start = $offset;
        $offset += send("PK\x03\x04" . $how . pack('VVVvv', 0, 0, 0, strlen($name), 0) . $name);
        [$checksum, $packed, $size] = send_file($path);
        $offset += $packed + send("PK\x07\x08" . pack('VVV', $checksum, $packed, $size));
        $mode = 0100000 | ($status['mode'] & 0100 ? 0755 : 0644);
        $directory .= "PK\x01\x02" . pack('v', 3 << 8 | 20) . $how
            . pack('VVVvvvvvVV', $checksum, $packed, $size, strlen($name), 0, 0, 0, 0, $mode << 16, $start) . $name;
    }
    send($directory);
    send("PK\x05\x06" . pack('vvvvVVv', 0, 0, count($files), count($files), strlen($directory), $offset, 0));
}

/** Sends one file compressed; gives its checksum, and its length compressed and not. */
function send_file(string $path): array
{
    $file = fopen($path, 'rb');
    if ($file === false) {
        throw new RuntimeException("$path cannot be read");
    }
    $deflate = deflate_init(ZLIB_ENCODING_RAW, ['level' => 1]);
    $checksum = hash_init('crc32b');
    $packed = $size = 0;
    while (!feof($file)) {
        $data = (string) fread($file, BLOCK_BYTES);
        hash_update($checksum, $data);
        $size += strlen($data);
        if ($size > MAX_FILE_BYTES) {
            throw new RuntimeException("$path is too large for an archive");
        }
        $packed += send(deflate_add($deflate, $data, ZLIB_NO_FLUSH));
    }
    fclose($file);
    $packed += send(deflate_add($deflate, '', ZLIB_FINISH));
    return [hexdec(hash_final($checksum)), $packed, $size];
}

header('X-Content-Type-Options: nosniff');
header('Content-Type: text/plain; charset=utf-8');
try {
    if ($_SERVER['REQUEST_METHOD'] !== 'POST') {
        throw new Refusal('send this request with POST.');
    }
    $files = wanted_files();
} catch (Refusal $refusal) {
    exit('Error: ' . $refusal->getMessage());
} catch (Throwable $error) {
    error_log((string) $error);
    exit('Error: something went wrong on this server; its administrator can see what in the log.');
}
header('Content-Type: application/zip');
while (ob_get_level() > 0) {
    ob_end_clean();
}
set_time_limit(0);
// An error from here on leaves the archive without its end, so that it is not taken for a whole one.
send_archive($files);
