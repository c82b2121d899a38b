<?php
// Saves a user's own version of a controller file.
//
// For any web server with PHP 8. Put this file into the website's folder ajax. Lines marked ADAPT are where your website
// may differ. The folder DATA is described in download-project.php.

declare(strict_types=1);
ini_set('display_errors', '0');

// ADAPT: where projects, users' files and the secret are.
define('DATA', getenv('WEBOTS_DATA') ?: '/var/lib/webots-cloud/host');

// ADAPT: how much each user may save. A file counts as at least one block of the disk.
const QUOTA_BYTES = 10000000;
const DISK_BLOCK_BYTES = 4096;

const MAX_FILE_BYTES = 2 * 1024 * 1024;

/** Its text is told to the page. */
class Refusal extends Exception {}

/** Gives the id of the user whose browser sends this. */
function user(): string
{
    // ADAPT: look into your website's session. Here it is a cookie ID.SIGNATURE, made where the user logs in.
    $cookie = $_COOKIE['webots_guest'] ?? '';
    [$user, $signature] = explode('.', is_string($cookie) ? "$cookie." : '.', 3);
    $right = hash_hmac('sha256', "cookie:$user", first_line('secret'));
    if (!is_plain($user) || !hash_equals($right, $signature)) {
        throw new Refusal('only users of this site can save files; log in and try again.');
    }
    return $user;
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

/** Gives the file's content. */
function content(): string
{
    $content = field('content');
    if (str_starts_with(strtolower($_SERVER['CONTENT_TYPE'] ?? ''), 'multipart/')) {
        // In such a form the browser has turned every line end into CR LF.
        return str_replace("\r\n", "\n", $content);
    }
    return $content;
}

/** Tells whether a page of this website sends this, or a program that is no browser. */
function is_from_this_site(): bool
{
    $sender = $_SERVER['HTTP_ORIGIN'] ?? $_SERVER['HTTP_REFERER'] ?? null;
    if ($sender === null) {
        return true;
    }
    $host = preg_quote(strtolower($_SERVER['HTTP_HOST'] ?? ''), '~');
    return preg_match("~\\Ahttps?://$host(/|\\z)~", strtolower($sender)) === 1;
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

/** Gives a folder, made where it lacks, none of it a symbolic link. */
function inner_folder(string ...$folders): string
{
    $path = DATA;
    foreach ($folders as $folder) {
        $path .= "/$folder";
        if (is_link($path) || (!is_dir($path) && !@mkdir($path, 0700) && !is_dir($path))) {
            throw new Refusal('this server cannot save files at the moment; try again later.');
        }
    }
    return $path;
}

/** Counts what is saved in a folder. */
function used_bytes(string $folder): int
{
    $used = 0;
    foreach (array_diff(scandir($folder), ['.', '..']) as $name) {
        $path = "$folder/$name";
        $used += is_dir($path) && !is_link($path) ? used_bytes($path) : counted($path);
    }
    return $used;
}

/** Gives what a file counts against the quota. */
function counted(string $path): int
{
    return is_link($path) || !file_exists($path) ? 0 : max(filesize($path), DISK_BLOCK_BYTES);
}

/** Gives the names of the project and the controller. */
function controller(string $dirname): array
{
    $parts = explode('/', $dirname);
    $plain = count($parts) === 3 && $parts[1] === 'controllers' && is_plain($parts[0]) && is_plain($parts[2]);
    if (!$plain || !is_folder('projects', ...$parts)) {
        throw new Refusal('there is no controller folder ' . shown($dirname) . '.');
    }
    return $parts;
}

/** Makes a text fit to be shown. */
function shown(string $text): string
{
    return substr(preg_replace('/[^\x20-\x7e]/', '', $text), 0, 80);
}

/** Saves a file whole or not at all, one at a time of each user. */
function save(string $user, array $parts, string $filename, string $content): void
{
    $own = inner_folder('user', $user);
    $lock = fopen(inner_folder('incoming') . "/$user.lock", 'c');
    if ($lock === false || !flock($lock, LOCK_EX)) {
        throw new Refusal('this server cannot save files at the moment; try again later.');
    }
    clearstatcache();
    $target = inner_folder('user', $user, 'projects', ...$parts) . "/$filename";
    $size = max(strlen($content), DISK_BLOCK_BYTES);
    if (used_bytes($own) - counted($target) + $size > QUOTA_BYTES) {
        $quota = intdiv(QUOTA_BYTES, 1000000);
        throw new Refusal("your saved files would take more than your $quota MB; make them smaller.");
    }
    $complete = tempnam(DATA . '/incoming', 'file');
    if (file_put_contents($complete, $content) !== strlen($content) || !rename($complete, $target)) {
        unlink($complete);
        throw new Refusal('this server cannot save files at the moment; try again later.');
    }
}

/** Does what the form asks for. */
function answer(): void
{
    if ($_SERVER['REQUEST_METHOD'] !== 'POST') {
        throw new Refusal('send this request with POST.');
    }
    if ((int) ($_SERVER['CONTENT_LENGTH'] ?? 0) > MAX_FILE_BYTES) {
        throw new Refusal('the file is larger than the 2 MB that can be sent at once.');
    }
    if (!is_from_this_site()) {
        throw new Refusal('only pages of this site can save files.');
    }
    [$dirname, $filename, $content] = [field('dirname'), field('filename'), content()];
    $user = user();
    $parts = controller($dirname);
    if (!is_plain($filename) || is_dir(DATA . '/projects/' . implode('/', $parts) . "/$filename")) {
        throw new Refusal(shown($filename) . ' is not a name that a file can be saved under.');
    }
    save($user, $parts, $filename, $content);
}

header('X-Content-Type-Options: nosniff');
header('Content-Type: text/plain; charset=utf-8');
try {
    answer();
    echo 'OK';
} catch (Refusal $refusal) {
    echo 'Error: ' . $refusal->getMessage();
} catch (Throwable $error) {
    error_log((string) $error);
    echo 'Error: something went wrong on this server; its administrator can see what in the log.';
}
